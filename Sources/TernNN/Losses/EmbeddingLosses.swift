// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Pulls pairs of vectors that belong together to cosine 1, and pushes others below a margin.
///
///     1 - cos(a, b) where the target is 1, else max(0, cos(a, b) - margin)
///
/// - Parameters:
///   - a: `[N, E]`, or `[E]`.
///   - b: of `a`'s shape.
///   - targets: `[N]`, or `[]`, 1 or -1, of any dtype.
///   - margin: in `-1 ... 1`.
/// - Returns: a scalar, or for `.none` losses of the targets' shape. This holds of all losses of vectors.
public func cosineEmbeddingLoss(
  _ a: Tensor, _ b: Tensor, _ targets: Tensor, margin: Float = 0, reduction: LossReduction = .mean
) -> Tensor {
  requirePairs("cosineEmbeddingLoss", a, b, targets)
  let cosine = cosineSimilarity(a, b, axis: -1)
  return reduction(`where`(targets .> 0, 1 - cosine, relu(cosine - margin)))
}

/// Wants one score above another by a margin: `max(0, -t * (a - b) + margin)`, with `t` 1 for `a` above `b`, else -1.
///
/// - Parameters:
///   - a: scores, any shape.
///   - b: of `a`'s shape.
///   - targets: of `a`'s shape, 1 or -1, of any dtype.
///   - margin: how far apart is enough.
public func marginRankingLoss(
  _ a: Tensor, _ b: Tensor, _ targets: Tensor, margin: Float = 0, reduction: LossReduction = .mean
) -> Tensor {
  requireSameShape("marginRankingLoss", a, b)
  requireSameShape("marginRankingLoss", a, targets)
  return reduction(relu(margin - targets.detached().cast(to: a.dtype) * (a - b)))
}

/// Pulls distances of what belongs together to 0 and pushes others beyond a margin.
///
///     x where the target is 1, max(0, margin - x) where it is -1
///
/// - Parameters:
///   - distances: `x`, any shape.
///   - targets: of the same shape, 1 or -1, of any dtype.
public func hingeEmbeddingLoss(
  _ distances: Tensor, _ targets: Tensor, margin: Float = 1, reduction: LossReduction = .mean
) -> Tensor {
  requireSameShape("hingeEmbeddingLoss", distances, targets)
  return reduction(`where`(targets .> 0, distances, relu(margin - distances)))
}

/// Wants an anchor nearer to a positive than to a negative by a margin (Schroff, Kalenichenko, Philbin: "FaceNet",
/// 2015; with the swap Balntas et al.: "Learning local feature descriptors with triplets", 2016).
///
///     max(0, d(anchor, positive) - d(anchor, negative) + margin),   d(x, y) = ||x - y + epsilon||_p
///
/// - Parameters:
///   - anchor: `[..., E]`.
///   - positive: of the same shape.
///   - negative: of the same shape.
///   - order: that of the norm, at least 1.
///   - swaps: takes the distance of positive and negative where it is the smaller one of the two to the negative.
public func tripletMarginLoss(
  anchor: Tensor, positive: Tensor, negative: Tensor, margin: Float = 1, order: Float = 2, epsilon: Float = 1e-6,
  swaps: Bool = false, reduction: LossReduction = .mean
) -> Tensor {
  requireSameShape("tripletMarginLoss", anchor, positive)
  requireSameShape("tripletMarginLoss", anchor, negative)
  let near = pairwiseDistance(anchor, positive, order: order, epsilon: epsilon)
  var far = pairwiseDistance(anchor, negative, order: order, epsilon: epsilon)
  if swaps { far = minimum(far, pairwiseDistance(positive, negative, order: order, epsilon: epsilon)) }
  return reduction(relu(near - far + margin))
}

/// Pulls pairs that belong together to each other and pushes others beyond a margin (Hadsell, Chopra, LeCun:
/// "Dimensionality reduction by learning an invariant mapping", 2006).
///
///     t * d^2 / 2 + (1 - t) * max(0, margin - d)^2 / 2,   d = ||a - b||
///
/// - Parameters:
///   - a: `[..., E]`.
///   - b: of the same shape.
///   - targets: `[...]`, 1 for pairs that belong together, else 0, of any dtype.
///   - margin: above 0.
public func contrastiveLoss(
  _ a: Tensor, _ b: Tensor, _ targets: Tensor, margin: Float = 1, reduction: LossReduction = .mean
) -> Tensor {
  requirePairs("contrastiveLoss", a, b, targets)
  require(margin > 0, "contrastiveLoss: the margin must be positive, got \(margin)")
  let difference = a - b
  let t = targets.detached().cast(to: a.dtype)
  let near = difference.sumOfSquares(along: [-1])
  let far = square(relu(margin - difference.norm(along: -1)))
  return reduction((t * near + (1 - t) * far) * 0.5)
}

/// Traps unless vectors are of one shape and have a target each.
private func requirePairs(_ loss: String, _ a: Tensor, _ b: Tensor, _ targets: Tensor) {
  requireSameShape(loss, a, b)
  require(
    a.rank >= 1 && targets.shape == a.shape.dropLast(),
    "\(loss): vectors \(a.shape) need targets \(Array(a.shape.dropLast())), got \(targets.shape)")
}
