// SPDX-License-Identifier: MIT
import Tern

/// The loss of connectionist temporal classification, for labels whose places in a sequence are unknown; see
/// `ctcLosses` for formula and parameters.
///
/// - Parameters:
///   - logProbabilities: `[steps, N, classes]`, the output of `logSoftmax` along the last axis.
///   - targets: `[N, S]` labels, padded with anything.
///   - inputLengths: `[N]`, steps of each sample.
///   - targetLengths: `[N]`, labels of each sample.
/// - Returns: a scalar, or for `.none` losses `[N]`. `.mean` divides each loss by the number of its labels, or 1, and
///   averages over the samples.
public func ctcLoss(
  _ logProbabilities: Tensor, _ targets: Tensor, inputLengths: Tensor, targetLengths: Tensor, blank: Int = 0,
  zeroesInfinity: Bool = false, reduction: LossReduction = .mean
) -> Tensor {
  let losses = ctcLosses(
    logProbabilities, targets, inputLengths: inputLengths, targetLengths: targetLengths, blank: blank,
    zeroesInfinity: zeroesInfinity)
  guard reduction == .mean else { return reduction(losses) }
  let lengths = targetLengths.cast(to: losses.dtype)
  return (losses / maximum(lengths, Tensor.full([], 1, on: losses.device))).mean()
}
