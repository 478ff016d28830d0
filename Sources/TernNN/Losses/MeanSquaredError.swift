// SPDX-License-Identifier: MIT
import Tern

/// The squared difference `(p - t)^2`, averaged over all elements unless asked otherwise.
///
/// - Precondition: both have the same shape.
public func meanSquaredError(_ predictions: Tensor, _ targets: Tensor, reduction: LossReduction = .mean) -> Tensor {
  requireSameShape("meanSquaredError", predictions, targets)
  return reduction(square(predictions - targets))
}
