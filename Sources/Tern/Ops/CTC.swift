// SPDX-License-Identifier: MIT
import TernRuntime

/// Minus the logarithm of the probability of each sample's labels, summed over all ways to spread them over the steps
/// with blanks between them: connectionist temporal classification (Graves, Fernández, Gomez, Schmidhuber, 2006).
///
/// A way names a class for each step; repeated classes count once, then blanks fall out. Equal neighbours among the
/// labels need a blank between them. Computed in logarithms, forwards and, for the gradient, backwards, on the device.
///
/// - Parameters:
///   - logProbabilities: `[steps, N, classes]`, the output of `logSoftmax` along the last axis.
///   - targets: `[N, S]`, `int32` or `int64`; what stands behind a sample's labels does not count. A label that is the
///     blank or outside of `0 ..< classes` gives NaN.
///   - inputLengths: `[N]`, steps of each sample, at most `steps`; another number gives NaN.
///   - targetLengths: `[N]`, labels of each sample, at most `S`; another number gives NaN.
///   - blank: the class of the blank.
///   - zeroesInfinity: losses of samples whose labels do not fit into their steps are 0 instead of infinite, and so are
///     their gradients.
/// - Returns: losses, Float32 `[N]`, differentiable with respect to `logProbabilities`.
public func ctcLosses(
  _ logProbabilities: Tensor, _ targets: Tensor, inputLengths: Tensor, targetLengths: Tensor, blank: Int = 0,
  zeroesInfinity: Bool = false
) -> Tensor {
  let name = "ctcLosses"
  let x = logProbabilities
  require(x.dtype.isFloatingPoint, "\(name): log-probabilities must be floating point, got \(x.dtype)")
  require(x.rank == 3, "\(name): log-probabilities must be [steps, N, classes], got \(x.shape)")
  let samples = x.shape[1]
  require(
    targets.rank == 2 && targets.shape[0] == samples,
    "\(name): targets must be [\(samples), S] for log-probabilities \(x.shape), got \(targets.shape)")
  for lengths in [inputLengths, targetLengths] {
    require(lengths.shape == [samples], "\(name): lengths must be [\(samples)], got \(lengths.shape)")
  }
  for list in [targets, inputLengths, targetLengths] { x.requireIndices(name, list) }
  require((0..<max(1, x.shape[2])).contains(blank), "\(name): blank \(blank) is none of \(x.shape[2]) classes")
  let fixed = [targets, inputLengths, targetLengths]
  let device = Tensor.commonDevice(name, [x] + fixed)
  let alpha = Tensor.empty([samples, x.shape[0], 2 * targets.shape[1] + 3], dtype: .float32, on: device)
  @Sendable func problem(_ x: StridedView, _ fixed: [Tensor]) -> CTCProblem {
    CTCProblem(
      logProbabilities: x, targets: fixed[0].view, inputLengths: fixed[1].view, targetLengths: fixed[2].view,
      blank: blank)
  }
  let losses = Tensor.record(
    name, shape: [samples], dtype: .float32, from: [x], saving: .tensorsAndOutput([x] + fixed + [alpha]),
    compute: { backend, inputs, y in
      backend.ctcLosses(problem(inputs[0], fixed), alpha: alpha.view, into: y)
    },
    pullback: { gradient, saved in
      if saved.createsGraph {
        let problem = ComposedCTC(
          targets: saved[1], inputLengths: saved[2], targetLengths: saved[3], blank: blank, isSkipped: gradient .== 0)
        return saved.composedGradients(gradient, count: 1) { problem.losses($0[0]) }
      }
      let losses = saved.output
      return [
        .record(
          name + " gradient", shape: saved[0].shape, dtype: saved[0].dtype, from: [saved[0], gradient], saving: .none,
          compute: { backend, inputs, dx in
            backend.ctcGradient(
              problem(inputs[0], Array(saved.tensors[1...3])), alpha: saved[4].view, losses: losses.view,
              scale: inputs[1], into: dx)
          }, pullback: { _, _ in [nil, nil] })
      ]
    })
  return zeroesInfinity ? losses.filled(where: losses.detached() .== .infinity, with: 0) : losses
}
