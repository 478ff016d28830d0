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
///   - mask: `bool`, false where a label is missing; broadcasts. The mean is that of the others.
/// - Returns: a scalar, or for `.none` losses of the logits' shape. `.mean` divides by the number of elements.
public func binaryCrossEntropy(
  logits: Tensor, targets: Tensor, weights: Tensor? = nil, positiveWeight: Tensor? = nil, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let terms = LossTerms("binaryCrossEntropy", logits, targets, weights: weights, mask: mask)
  let positives = positiveWeight.map { $0 * terms.targets } ?? terms.targets
  require(
    positives.shape == logits.shape,
    "binaryCrossEntropy: positive weights must broadcast to the logits \(logits.shape), they made \(positives.shape)")
  let x = terms.predictions
  return terms.reduced(positives * softplus(-x) + (1 - terms.targets) * softplus(x), reduction)
}

/// The cross-entropy of probabilities for yes and no, `-(t * log p + (1 - t) * log(1 - p))`.
///
/// Logarithms below -100 count as -100, so that a probability of 0 or 1 has a finite loss. From a sigmoid's output
/// precision is lost that `binaryCrossEntropy(logits:targets:)` keeps.
///
/// - Parameters:
///   - probabilities: in `0 ... 1`, any shape.
///   - targets: of the same shape, in `0 ... 1`.
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts.
public func binaryCrossEntropy(
  probabilities: Tensor, targets: Tensor, weights: Tensor? = nil, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let terms = LossTerms("binaryCrossEntropy", probabilities, targets, weights: weights, mask: mask)
  func limitedLog(_ p: Tensor) -> Tensor {
    // What is cut off has no part in the logarithm either: infinity times a gradient of 0 would be NaN.
    let isCut = p.detached() .<= 27 * .leastNonzeroMagnitude  // exp(-100)
    return log(p.filled(where: isCut, with: 1)).filled(where: isCut, with: -100)
  }
  let p = terms.predictions
  let losses = terms.targets * limitedLog(p) + (1 - terms.targets) * limitedLog(1 - p)
  return terms.reduced(-losses, reduction)
}

/// The cross-entropy of scores for yes and no, with the losses of what is classified well scaled down (Lin, Goyal,
/// Girshick, He, Dollár: "Focal loss for dense object detection", 2017).
///
/// With `p = sigmoid(x)`, and `q` the probability given to the right answer, `q = p * t + (1 - p) * (1 - t)`:
///
///     loss = a * (1 - q)^gamma * binaryCrossEntropy,   a = alpha * t + (1 - alpha) * (1 - t)
///
/// - Parameters:
///   - logits: any shape.
///   - targets: of the same shape, in `0 ... 1`.
///   - alpha: the weight of positives, in `0 ... 1`; nil weights all alike.
///   - gamma: how fast losses fall with `q`, not negative; 0 is the plain cross-entropy.
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts.
public func focalLoss(
  logits: Tensor, targets: Tensor, alpha: Float? = 0.25, gamma: Float = 2, weights: Tensor? = nil,
  mask: Tensor? = nil, reduction: LossReduction = .mean
) -> Tensor {
  require(gamma >= 0, "focalLoss: gamma must not be negative, got \(gamma)")
  require(alpha.map { (0...1).contains($0) } ?? true, "focalLoss: alpha must be in 0 ... 1, got \(alpha ?? 0)")
  let terms = LossTerms("focalLoss", logits, targets, weights: weights, mask: mask)
  let (x, t) = (terms.predictions, terms.targets)
  // 1 - q as a sum of what is not negative, which loses no small numbers; above 0, so that any power has a slope.
  let wrong = clamp(t * sigmoid(-x) + (1 - t) * sigmoid(x), min: 1e-38)
  var losses = t * softplus(-x) + (1 - t) * softplus(x)
  if gamma > 0 { losses = losses * pow(wrong, gamma) }
  if let alpha { losses = losses * (t * (2 * alpha - 1) + (1 - alpha)) }
  return terms.reduced(losses, reduction)
}
