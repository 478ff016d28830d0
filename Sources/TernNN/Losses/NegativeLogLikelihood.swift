// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// The negative logarithm of the probability of the right class, `-w[t] * logProbabilities[t]`.
///
/// What `crossEntropy` computes of scores in one pass, for logarithms that exist already.
///
/// - Parameters:
///   - logProbabilities: `[N, K]`, or `[N, K, ...]` with a label for each position.
///   - labels: `[N]` or `[N, ...]`, `int32` or `int64`. Any other value outside of `0 ..< K` gives NaN.
///   - classWeights: `[K]`.
///   - ignoredLabel: positions with this label have loss, weight and gradient 0.
/// - Returns: a scalar, or for `.none` losses of the labels' shape. `.mean` divides by the sum of the labels' weights.
public func negativeLogLikelihood(
  _ logProbabilities: Tensor, _ labels: Tensor, classWeights: Tensor? = nil, ignoredLabel: Int = -100,
  reduction: LossReduction = .mean
) -> Tensor {
  let x = logProbabilities
  require(
    x.rank >= 2 && labels.shape == [x.shape[0]] + x.shape.dropFirst(2),
    "negativeLogLikelihood: logarithms must be [N, K, ...] and labels [N, ...], got \(x.shape) and \(labels.shape)")
  require(
    labels.dtype == .int32 || labels.dtype == .int64,
    "negativeLogLikelihood: labels must be int32 or int64, got \(labels.dtype)")
  let isCounted = labels.cast(to: .int64) .!= Tensor.full([], integer: ignoredLabel, on: labels.device)
  let places = `where`(isCounted, labels, 0)
  var weights = isCounted.cast(to: x.dtype)
  if let classWeights = classWeights?.asClassWeights("negativeLogLikelihood", of: x) {
    weights = weights * classWeights.cast(to: x.dtype).gathered(rows: places)
  }
  let picked = x.gathered(at: places.expanded(at: 1), along: 1).squeezed(at: 1)
  let losses = `where`(isCounted, -picked * weights, 0)
  return switch reduction {
  case .mean: (losses.sum(as: .float32) / weights.sum(as: .float32)).cast(to: losses.dtype)
  case .sum: losses.sum()
  case .none: losses
  }
}

/// The divergence of predicted from target probabilities, `q * (log q - x)` (Kullback, Leibler: "On information and
/// sufficiency", 1951).
///
/// - Parameters:
///   - logProbabilities: predicted, logarithms; any shape.
///   - targets: probabilities `q` of the same shape, or their logarithms.
///   - targetsAreLogarithms: whether `targets` are `log q`.
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts.
/// - Returns: a scalar, or for `.none` losses of the predictions' shape. `.mean` divides by the number of elements; the
///   divergence of a batch of distributions is the sum divided by their number, see `klDivergenceOfBatch`.
public func klDivergence(
  _ logProbabilities: Tensor, _ targets: Tensor, targetsAreLogarithms: Bool = false, weights: Tensor? = nil,
  mask: Tensor? = nil, reduction: LossReduction = .mean
) -> Tensor {
  let terms = LossTerms("klDivergence", logProbabilities, targets, weights: weights, mask: mask)
  let (x, t) = (terms.predictions, terms.targets)
  if targetsAreLogarithms { return terms.reduced(exp(t) * (t - x), reduction) }
  // 0 * log 0 is 0.
  let isZero = t.detached() .== 0
  let losses = t * (log(t.filled(where: isZero, with: 1)) - x)
  return terms.reduced(losses.filled(where: isZero, with: 0), reduction)
}

/// The sum of `klDivergence` over everything but the batch, averaged over the batch, axis 0.
public func klDivergenceOfBatch(
  _ logProbabilities: Tensor, _ targets: Tensor, targetsAreLogarithms: Bool = false
) -> Tensor {
  require(logProbabilities.rank >= 1, "klDivergenceOfBatch: needs a batch axis, got a scalar")
  let losses = klDivergence(logProbabilities, targets, targetsAreLogarithms: targetsAreLogarithms, reduction: .none)
  return (losses.sum(as: .float32) / Float(logProbabilities.shape[0])).cast(to: losses.dtype)
}

/// The negative log-likelihood of counts under a Poisson distribution with predicted rate, without the term that the
/// prediction does not change.
///
///     exp(x) - t * x,   or x - t * log(x + epsilon) where x is the rate itself
///
/// - Parameters:
///   - predictions: logarithms of rates, any shape; or rates.
///   - counts: of the same shape.
///   - predictionsAreLogarithms: whether predictions are logarithms.
///   - includesStirling: adds Stirling's approximation `t log t - t + log(2 pi t) / 2` of that term for counts above 1.
///   - epsilon: keeps the logarithm of a rate of 0 finite.
///   - weights: multiply the elements' losses; broadcast.
///   - mask: `bool`, false where a label is missing; broadcasts.
public func poissonLoss(
  _ predictions: Tensor, _ counts: Tensor, predictionsAreLogarithms: Bool = true, includesStirling: Bool = false,
  epsilon: Float = 1e-8, weights: Tensor? = nil, mask: Tensor? = nil, reduction: LossReduction = .mean
) -> Tensor {
  let terms = LossTerms("poissonLoss", predictions, counts, weights: weights, mask: mask)
  let (x, t) = (terms.predictions, terms.targets)
  var losses = predictionsAreLogarithms ? exp(x) - t * x : x - t * log(x + epsilon)
  if includesStirling {
    let many = t.filled(where: t .<= 1, with: 1)
    let stirling = many * log(many) - many + log(many * (2 * .pi)) * 0.5
    losses = losses + stirling.filled(where: t .<= 1, with: 0)
  }
  return terms.reduced(losses, reduction)
}
