// SPDX-License-Identifier: MIT
import TernRuntime

/// Softmax and cross-entropy of each row in one pass, the numerically safe way.
///
/// With `p = softmax(logits)`, label `t`, class weights `w` (1 without), smoothing `s` and `K` classes:
///
///     loss   = (1 - s) * w[t] * -log p[t] + s / K * sum over c of w[c] * -log p[c]
///     weight = w[t]
///
/// A weighted mean is `losses.sum() / weights.sum()`.
///
/// - Parameters:
///   - logits: `[rows, classes]`, floating point.
///   - labels: `[rows]`, `int32` or `int64`. A label outside `0 ..< classes` gives NaN.
///   - classWeights: `[classes]`, Float32 or of the logits' dtype; no gradient flows to it.
///   - ignoredLabel: rows with this label have loss, weight and gradient 0.
///   - smoothing: share of the target spread over all classes, in `0 ... 1` (Szegedy et al., "Rethinking the inception
///     architecture for computer vision", 2016).
/// - Returns: losses and weights, Float32 `[rows]`; only the losses are differentiable.
public func softmaxCrossEntropy(
  _ logits: Tensor, _ labels: Tensor, classWeights: Tensor? = nil, ignoredLabel: Int = -100, smoothing: Float = 0
) -> (losses: Tensor, weights: Tensor) {
  let name = "softmaxCrossEntropy"
  require(logits.dtype.isFloatingPoint, "\(name): logits must be floating point, got \(logits.dtype)")
  require(logits.rank == 2, "\(name): logits must be [rows, classes], got \(logits.shape)")
  require(
    labels.shape == [logits.shape[0]],
    "\(name): labels must be [\(logits.shape[0])] for logits \(logits.shape), got \(labels.shape)")
  require(
    labels.dtype == .int32 || labels.dtype == .int64, "\(name): labels must be int32 or int64, got \(labels.dtype)")
  require(smoothing >= 0 && smoothing <= 1, "\(name): smoothing must be in 0 ... 1, got \(smoothing)")
  let classWeights = classWeights?.asClassWeights(name, of: logits)
  let fixed = [labels] + (classWeights.map { [$0] } ?? [])
  let device = Tensor.commonDevice(name, [logits] + fixed)
  let options = CrossEntropyOptions(smoothing: smoothing, ignoredLabel: ignoredLabel)
  let rows = [logits.shape[0]]
  let weights = device.backend.allocate(byteCount: rows[0] * 4)
  let losses = Tensor.record(
    name, shape: rows, dtype: .float32, from: [logits], saving: .tensors([logits] + fixed),
    compute: { backend, inputs, losses in
      backend.crossEntropy(
        options, logits: inputs[0], labels: labels.view, classWeights: classWeights?.view, losses: losses,
        weights: StridedView(weights, .float32, shape: rows))
    },
    pullback: { gradient, saved in
      if saved.createsGraph { return [composedGradient(options, saved, scale: gradient)] }
      return [
        .record(
          name + " gradient", shape: saved[0].shape, dtype: saved[0].dtype, from: [saved[0], gradient], saving: .none,
          compute: { backend, inputs, dLogits in
            backend.crossEntropyGradient(
              options, logits: inputs[0], labels: saved[1].view,
              classWeights: saved.tensors.count > 2 ? saved[2].view : nil, scale: inputs[1], into: dLogits)
          }, pullback: { _, _ in [nil, nil] })
      ]
    })
  return (losses, Tensor(Value(device, .float32, rows, .ready(weights))))
}

/// The gradient of the logits from differentiable operations, for second derivatives.
///
///     dx[c] = scale * (p[c] * sum of targets - targets[c])
///     targets[c] = (c == t ? (1 - s) * w[t] : 0) + s / K * w[c]
///
/// - Parameter saved: logits, labels, class weights if there are any.
private func composedGradient(_ options: CrossEntropyOptions, _ saved: Saved, scale: Tensor) -> Tensor {
  let (logits, labels) = (saved[0].cast(to: .float32), saved[1].cast(to: .int64))
  let classes = logits.shape[1]
  let classWeights = saved.tensors.count > 2 ? saved[2] : Tensor.ones([classes], on: logits.device)
  let isHit = oneHot(labels, classes: max(1, classes), dtype: .bool).sliced(along: 1, to: classes)
  let spread = options.smoothing / Float(max(1, classes))
  let targets = `where`(isHit, classWeights * (1 - options.smoothing + spread), classWeights * spread)
  let isValid = ((labels .>= 0) .& (labels .< Float(classes))).expanded(at: 1)
  let isIgnored = (labels .== labels.like(options.ignoredLabel)).expanded(at: 1)
  let sums = targets.sum(along: 1, keepingDimensions: true)
  let gradient = scale.expanded(at: 1) * (softmax(logits) * sums - targets)
  return `where`(isIgnored, 0, `where`(isValid, gradient, .nan)).cast(to: saved[0].dtype)
}

extension Tensor {
  /// These weights of classes in Float32: they are given so, or in the dtype of what they weigh.
  ///
  /// - Parameter logits: `[N, classes, ...]`.
  package func asClassWeights(_ operation: String, of logits: Tensor) -> Tensor {
    require(
      shape == [logits.shape[1]] && (dtype == .float32 || dtype == logits.dtype),
      "\(operation): class weights must be [\(logits.shape[1])], \(logits.dtype) or float32, got \(dtype) \(shape)")
    return cast(to: .float32)
  }
}
