// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// The cross-entropy of scores for yes and no.
///
/// With `p = sigmoid(x)`, target `t` and positive weight `w`, the loss of an element is
///
///     -(w * t * log p + (1 - t) * log(1 - p)) = w * t * softplus(-x) + (1 - t) * softplus(x)
///
/// computed in the second form, which neither overflows for large scores nor loses small losses.
///
/// - Parameters:
///   - logits: any shape.
///   - targets: of the same shape, in `0 ... 1`.
///   - weights: multiply the elements' losses; broadcast.
///   - positiveWeight: multiplies the losses of positives, for rare ones; broadcast.
/// - Returns: a scalar, or for `.none` losses of the logits' shape. `.mean` divides by the number of elements.
public func binaryCrossEntropy(
  logits: Tensor, targets: Tensor, weights: Tensor? = nil, positiveWeight: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  requireSameShape("binaryCrossEntropy", logits, targets)
  let positives = positiveWeight.map { $0 * targets } ?? targets
  var losses = positives * softplus(-logits) + (1 - targets) * softplus(logits)
  if let weights { losses = losses * weights }
  require(
    losses.shape == logits.shape,
    "binaryCrossEntropy: weights must broadcast to the logits \(logits.shape), they made \(losses.shape)")
  return reduction(losses)
}
