// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// One minus the Dice coefficient of predicted and true regions, for segmentation where most of an image is background
/// (Milletari, Navab, Ahmadi: "V-Net", 2016).
///
///     1 - (2 * sum(p * t) + smoothing) / (sum(p) + sum(t) + smoothing)
///
/// - Parameters:
///   - probabilities: `[N, C, ...]`, of each class at each position.
///   - targets: of the same shape, in `0 ... 1`; `oneHot` makes them of labels.
///   - smoothing: added above and below, so that an absent class that is not predicted has loss 0.
///   - mask: `bool`, false where a label is missing; broadcasts.
/// - Returns: a scalar, or for `.none` losses `[N, C]`.
/// - Precondition: both have the same shape, with at least one axis beside `[N, C]`.
public func diceLoss(
  _ probabilities: Tensor, _ targets: Tensor, smoothing: Float = 1, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let sums = RegionSums("diceLoss", probabilities, targets, mask)
  let losses = 1 - (sums.both * 2 + smoothing) / (sums.predicted + sums.real + smoothing)
  return reduction(losses.cast(to: probabilities.dtype))
}

/// One minus the intersection of predicted and true regions over their union (Rahman, Wang: "Optimizing
/// intersection-over-union in deep neural networks for image segmentation", 2016).
///
///     1 - (sum(p * t) + smoothing) / (sum(p) + sum(t) - sum(p * t) + smoothing)
///
/// - Parameters:
///   - probabilities: `[N, C, ...]`, of each class at each position.
///   - targets: of the same shape, in `0 ... 1`.
///   - smoothing: added above and below.
///   - mask: `bool`, false where a label is missing; broadcasts.
/// - Returns: a scalar, or for `.none` losses `[N, C]`.
public func intersectionOverUnionLoss(
  _ probabilities: Tensor, _ targets: Tensor, smoothing: Float = 1, mask: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let sums = RegionSums("intersectionOverUnionLoss", probabilities, targets, mask)
  let losses = 1 - (sums.both + smoothing) / (sums.predicted + sums.real - sums.both + smoothing)
  return reduction(losses.cast(to: probabilities.dtype))
}

/// Sizes of predicted and true regions and of what they share, `[N, C]`, in Float32: a region has more elements than a
/// half type counts.
private struct RegionSums {
  let predicted, real, both: Tensor

  init(_ loss: String, _ probabilities: Tensor, _ targets: Tensor, _ mask: Tensor?) {
    let terms = LossTerms(loss, probabilities, targets, weights: nil, mask: mask)
    require(targets.rank >= 3, "\(loss): predictions must be [N, C, ...] with positions, got \(probabilities.shape)")
    let p = mask.map { probabilities.filled(where: .!$0, with: 0) } ?? probabilities
    let positions = Array(2..<p.rank)
    func sum(_ terms: Tensor) -> Tensor { terms.sum(along: positions, as: .float32) }
    predicted = sum(p)
    real = sum(terms.targets)
    both = sum(p * terms.targets)
  }
}
