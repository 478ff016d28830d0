// SPDX-License-Identifier: MIT
import TernRuntime

/// The losses of `ctcLosses` from differentiable operations, step by step: for second derivatives.
struct ComposedCTC {
  let targets, inputLengths, targetLengths: Tensor
  let blank: Int
  /// Samples whose loss nobody asks the gradient of, `bool` `[N]`.
  let isSkipped: Tensor

  /// The logarithm of 0. An infinity would have infinities subtracted from one another.
  private static let nothing: Float = -1e30

  /// - Parameter x: log-probabilities `[steps, N, classes]`.
  /// - Returns: what has the gradient of the losses, `[N]`: NaN for a sample that has none, 0 for one whose lengths
  ///   mean nothing.
  func losses(_ x: Tensor) -> Tensor {
    let (steps, samples, classes) = (x.shape[0], x.shape[1], x.shape[2])
    let (inputLengths, lengths) = (self.inputLengths.cast(to: .int64), targetLengths.cast(to: .int64))
    guard steps > 0, classes > 0 else { return x.sum() * Tensor.zeros([samples], on: x.device) }
    let labels = targets.cast(to: .int64)
    let count = labels.shape[1]
    let isLabel = (labels .>= 0) .& (labels .< Float(classes)) .& (labels .!= Float(blank))
    let known = `where`(isLabel, labels, Float(blank))
    let places = between(.full([samples, count + 1], Float(blank), dtype: .int64, on: x.device), known)
    let scores = clamp(
      x.cast(to: .float32).gathered(at: places.expanded(at: 0), along: 2), min: Self.nothing)
    let canSkip = skips(known)
    // Before the first step a way stands before the first state or at it.
    let states = places.shape[1]
    let isFirst = Tensor.range(0..<states, on: x.device) .< 2
    var alpha = `where`(isFirst, scores[0], Self.nothing)
    let hasSteps = (inputLengths .> 0).expanded(at: 1)
    alpha = `where`(hasSteps, alpha, isFirst.cast(to: .float32) * 0)
    for step in 1..<max(1, steps) {
      let skipped = `where`(canSkip, behind(alpha, 2), Self.nothing)
      let next = logSum([alpha, behind(alpha, 1), skipped]) + scores[step]
      alpha = `where`((inputLengths .> Float(step)).expanded(at: 1), next, alpha)
    }
    // The last label, or the blank behind it.
    func end(_ offset: Int) -> Tensor {
      let place = lengths * 2 - Float(offset)
      let isThere = (place .>= 0) .& (place .< Float(states))
      let found = alpha.gathered(at: `where`(isThere, place, 0).expanded(at: 1), along: 1).squeezed(at: 1)
      return `where`(isThere, found, Self.nothing)
    }
    let total = logSum([end(0), end(1)])
    let isUsed = Tensor.range(0..<count, on: x.device) .< lengths.expanded(at: 1)
    let wrong = (isUsed .& .!isLabel).cast(to: .int64).sum(along: 1)
    let isReadable =
      (inputLengths .>= 0) .& (inputLengths .<= Float(steps)) .& (lengths .>= 0) .& (lengths .<= Float(count))
    let hasGradient = (wrong .== 0) .& (total.detached() .> Self.nothing / 2)
    let factors = `where`(hasGradient .| isSkipped, Tensor.ones([samples], on: x.device), .nan)
    return -total * `where`(isReadable, factors, 0)
  }

  /// Blanks `[N, S + 1]` and labels `[N, S]` in turn: `[N, 2 * S + 1]`.
  private func between(_ blanks: Tensor, _ labels: Tensor) -> Tensor {
    let count = labels.shape[1]
    let pairs = stacked([blanks.sliced(along: 1, to: count), labels], along: 2).flattened(from: 1)
    return concatenated([pairs, blanks.sliced(along: 1, from: count)], along: 1)
  }

  /// Whether the blank before a state may be left out: before a label that differs from the one before it.
  private func skips(_ labels: Tensor) -> Tensor {
    let (samples, count) = (labels.shape[0], labels.shape[1])
    let moved = min(1, count)
    let differs = labels .!= labels.padded([AxisPadding(axis: 1, before: moved, after: -moved)], mode: .constant(-1))
    let isBehindFirst = Tensor.range(0..<count, on: labels.device) .> 0
    let never = Tensor.zeros([samples, count + 1], dtype: .int64, on: labels.device)
    return between(never, (differs .& isBehindFirst).cast(to: .int64)) .== 1
  }

  /// Logarithms of the states `places` before each.
  private func behind(_ alpha: Tensor, _ places: Int) -> Tensor {
    let moved = min(places, alpha.shape[1])
    return alpha.padded([AxisPadding(axis: 1, before: moved, after: -moved)], mode: .constant(Self.nothing))
  }

  private func logSum(_ parts: [Tensor]) -> Tensor {
    let greatest = parts.dropFirst().reduce(parts[0].detached()) { maximum($0, $1.detached()) }
    let powers = parts.map { exp($0 - greatest) }
    return greatest + log(powers.dropFirst().reduce(powers[0], +))
  }
}
