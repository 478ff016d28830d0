// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Predictions and targets of an elementwise loss, with the weights of elements and a mask of those that count.
///
/// Targets that the mask excludes may be anything, NaN too: they are replaced before the loss is computed, so that
/// neither value nor gradient depends on them.
struct LossTerms {
  let predictions, targets: Tensor
  private let weights, mask: Tensor?

  /// - Precondition: predictions and targets have one shape, and weights and mask broadcast to it.
  init(_ loss: String, _ predictions: Tensor, _ targets: Tensor, weights: Tensor?, mask: Tensor?) {
    requireSameShape(loss, predictions, targets)
    for (name, other) in [("weights", weights), ("mask", mask)] {
      guard let other else { continue }
      require(
        other.rank <= targets.rank
          && zip(other.shape.reversed(), targets.shape.reversed()).allSatisfy { $0 == $1 || $0 == 1 },
        "\(loss): \(name) \(other.shape) must broadcast to the predictions \(predictions.shape)")
    }
    require(mask.map { $0.dtype == .bool } ?? true, "\(loss): the mask must be bool, got \(mask!.dtype)")
    // Not only their losses are hidden: 0 times a slope that is not finite would be NaN.
    func shown(_ x: Tensor) -> Tensor { mask.map { x.filled(where: .!$0, with: 0) } ?? x }
    (self.predictions, self.targets) = (shown(predictions), shown(targets))
    (self.weights, self.mask) = (weights, mask)
  }

  /// The reduced losses: each times its weight, those outside of the mask 0. The mean divides by the number of elements
  /// inside of the mask, and is 0 where there are none.
  func reduced(_ losses: Tensor, _ reduction: LossReduction) -> Tensor {
    let weighted = weights.map { losses * $0 } ?? losses
    guard let mask else { return reduction(weighted) }
    let kept = `where`(mask, weighted, 0)
    guard reduction == .mean else { return reduction(kept) }
    // Sums and counts of half types overflow or lose their last digits; their quotient does not.
    let count = mask.broadcast(to: losses.shape).sum().cast(to: .float32)
    return (kept.sum(as: .float32) / clamp(count, min: 1)).cast(to: losses.dtype)
  }
}
