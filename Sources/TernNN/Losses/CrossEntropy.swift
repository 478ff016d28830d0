// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// The cross-entropy of class scores and class indices.
///
/// With `p = softmax(logits)`, label `t`, class weights `w` (1 if not given), smoothing `s` and `K` classes, a sample's
/// loss is
///
///     (1 - s) * w[t] * -log p[t] + s / K * sum over c of w[c] * -log p[c]
///
/// and 0 where `t` is `ignoredLabel`. `.mean` divides the sum by the sum of `w[t]` over samples that are not ignored.
///
/// - Parameters:
///   - logits: `[N, K]`, or `[N, K, ...]` with a label for each position.
///   - labels: `[N]` or `[N, ...]`, `int32` or `int64`. Any other value outside `0 ..< K` gives NaN.
///   - classWeights: `[K]`.
///   - smoothing: in `0 ... 1` (Szegedy et al., "Rethinking the inception architecture for computer vision", 2016).
/// - Returns: a scalar, or for `.none` losses of the labels' shape.
public func crossEntropy(
  _ logits: Tensor, _ labels: Tensor, classWeights: Tensor? = nil, ignoredLabel: Int = -100, smoothing: Float = 0,
  reduction: LossReduction = .mean
) -> Tensor {
  require(
    logits.rank >= 2 && labels.shape == [logits.shape[0]] + logits.shape.dropFirst(2),
    "crossEntropy: logits must be [N, K, ...] and labels [N, ...], got \(logits.shape) and \(labels.shape)")
  require((0...1).contains(smoothing), "crossEntropy: smoothing must be in 0 ... 1, got \(smoothing)")
  let classes = logits.shape[1]
  // [N, K, ...] -> [N * ..., K]: one row a label.
  let rows =
    logits.rank == 2
    ? logits
    : logits.transposed([0] + Array(2..<logits.rank) + [1]).reshaped(to: [labels.count, classes])
  let (losses, weights) = softmaxCrossEntropy(
    rows, labels.flattened(), classWeights: classWeights, ignoredLabel: ignoredLabel, smoothing: smoothing)
  return switch reduction {
  case .mean: losses.sum() / weights.sum()
  case .sum: losses.sum()
  case .none: losses.reshaped(to: labels.shape)
  }
}

/// The cross-entropy of class scores and class probabilities.
///
///     loss = -sum over c of w[c] * q[c] * log softmax(logits)[c],   q = (1 - s) * targets + s / K
///
/// - Parameters:
///   - logits: `[N, K, ...]`.
///   - probabilities: of the same shape, summing to 1 along axis 1.
///   - classWeights: `[K]`.
/// - Returns: a scalar, or for `.none` losses `[N, ...]`. `.mean` divides by the number of losses.
public func crossEntropy(
  _ logits: Tensor, probabilities: Tensor, classWeights: Tensor? = nil, smoothing: Float = 0,
  reduction: LossReduction = .mean
) -> Tensor {
  requireSameShape("crossEntropy", logits, probabilities)
  require(logits.rank >= 2, "crossEntropy: logits must be [N, K, ...], got \(logits.shape)")
  let classes = logits.shape[1]
  let targets = smoothing == 0 ? probabilities : probabilities * (1 - smoothing) + smoothing / Float(classes)
  var terms = targets * logSoftmax(logits, axis: 1)
  if let classWeights = classWeights?.asClassWeights("crossEntropy", of: logits) {
    let shape = [classes] + logits.shape.dropFirst(2).map { _ in 1 }
    terms = terms * classWeights.cast(to: terms.dtype).reshaped(to: shape)
  }
  return reduction(-terms.sum(along: 1, as: .float32)).cast(to: logits.dtype)
}
