// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// The absolute difference `|p - t|`, which outliers pull less than its square.
///
/// - Parameters:
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts.
/// - Precondition: predictions and targets have the same shape.
public func meanAbsoluteError(
  _ predictions: Tensor, _ targets: Tensor, weights: Tensor? = nil, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let terms = LossTerms("meanAbsoluteError", predictions, targets, weights: weights, mask: mask)
  return terms.reduced(abs(terms.predictions - terms.targets), reduction)
}

/// The square of small differences and the absolute value of large ones (Huber: "Robust estimation of a location
/// parameter", 1964).
///
///     d^2 / 2 where |d| <= delta, else delta * (|d| - delta / 2),   d = p - t
///
/// - Parameters:
///   - delta: where the parabola ends, above 0.
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts.
/// - Precondition: predictions and targets have the same shape.
public func huberLoss(
  _ predictions: Tensor, _ targets: Tensor, delta: Float = 1, weights: Tensor? = nil, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  require(delta > 0, "huberLoss: delta must be positive, got \(delta)")
  let terms = LossTerms("huberLoss", predictions, targets, weights: weights, mask: mask)
  return terms.reduced(huber(terms, delta), reduction)
}

/// `huberLoss` divided by its `beta`, so that its slope far out is 1 (Girshick: "Fast R-CNN", 2015).
///
///     d^2 / (2 beta) where |d| < beta, else |d| - beta / 2,   d = p - t
///
/// - Parameters:
///   - beta: where the parabola ends; with 0 the loss is the absolute difference.
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts.
/// - Precondition: predictions and targets have the same shape.
public func smoothAbsoluteError(
  _ predictions: Tensor, _ targets: Tensor, beta: Float = 1, weights: Tensor? = nil, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  require(beta >= 0, "smoothAbsoluteError: beta must not be negative, got \(beta)")
  if beta == 0 { return meanAbsoluteError(predictions, targets, weights: weights, mask: mask, reduction: reduction) }
  let terms = LossTerms("smoothAbsoluteError", predictions, targets, weights: weights, mask: mask)
  return terms.reduced(huber(terms, beta) / beta, reduction)
}

private func huber(_ terms: LossTerms, _ delta: Float) -> Tensor {
  // The part of the difference inside of the parabola: its square and what is left are one formula for both sides.
  let size = abs(terms.predictions - terms.targets)
  let inside = clamp(size, max: delta)
  return inside * (size - inside * 0.5)
}
