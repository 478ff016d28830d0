// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Adam without its warm-up: adaptive steps begin when the variance is known well enough, and are scaled by how well
/// (Liu et al.: "On the variance of the adaptive learning rate and beyond", 2020).
///
///     g = g + weightDecay * w
///     m = beta1 * m + (1 - beta1) * g
///     v = beta2 * v + (1 - beta2) * g^2
///     r = R - 2 t beta2^t / (1 - beta2^t),  R = 2 / (1 - beta2) - 1
///     w = w - learningRate * m / (1 - beta1^t) * scale
///     scale = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) * sqrt(1 - beta2^t) / (sqrt(v) + epsilon) if r > 5, else 1
public struct RAdam: Optimizer, Sendable {
  /// The step size of the next update.
  public var learningRate: Double
  /// How much of the mean and of the variance of gradients each step keeps.
  public let betas: (Double, Double)
  /// What is added to the root of the variance.
  public let epsilon: Double
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`; or, decoupled, the share of a weight, times the learning
  /// rate, that each step takes away.
  public let weightDecay: Double
  /// Whether the decay passes by the moments, as in `AdamW`.
  public let decouplesDecay: Bool
  /// Means and variances of the gradients, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - betas: how much of the mean and of the variance of gradients each step keeps.
  ///   - epsilon: added to the root of the variance.
  ///   - weightDecay: the factor of an L2 penalty, or of the decoupled decay.
  ///   - decouplesDecay: lets the decay pass by the moments.
  /// - Precondition: no number is negative, and both betas are below 1.
  public init(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, decouplesDecay: Bool = false
  ) {
    requireNotNegative("RAdam", ["learningRate": learningRate, "epsilon": epsilon, "weightDecay": weightDecay])
    requireBetas("RAdam", betas)
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decouplesDecay = decouplesDecay
  }

  /// `mean` and `variance`.
  public var slotNames: [String] { ["mean", "variance"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let (value, gradient) = decayed(value, gradient, weightDecay, rate: decouplesDecay ? learningRate : nil)
    updateMoments(&slots, gradient, betas: betas)
    let rate = learningRate / (1 - power(betas.0, step))
    let scale = rectification(at: step)
    // One program for both kinds of steps: without rectification the divisor is 0 * sqrt(v) + 1.
    return value - slots[0] * Float(rate * (scale ?? 1))
      / (sqrt(slots[1]) * (scale == nil ? 0 : 1) + Float(scale == nil ? 1 : epsilon))
  }

  /// The factor of an adaptive step; nil as long as the variance is not known well enough.
  private func rectification(at step: Int) -> Double? {
    let longest = 2 / (1 - betas.1) - 1
    let kept = power(betas.1, step)
    let length = longest - 2 * Double(step) * kept / (1 - kept)
    guard length > 5 else { return nil }
    let ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return (ratio * (1 - kept)).squareRoot()
  }
}
