// SPDX-License-Identifier: MIT
import Tern

/// The squared difference `(p - t)^2`, averaged over all elements unless asked otherwise.
///
/// - Parameters:
///   - predictions: any shape.
///   - targets: of the same shape.
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts. The mean is that of the others.
/// - Returns: a scalar, or for `.none` losses of the predictions' shape. This holds of all elementwise losses.
/// - Precondition: both have the same shape, and weights and mask broadcast to it.
public func meanSquaredError(
  _ predictions: Tensor, _ targets: Tensor, weights: Tensor? = nil, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let terms = LossTerms("meanSquaredError", predictions, targets, weights: weights, mask: mask)
  return terms.reduced(square(terms.predictions - terms.targets), reduction)
}
