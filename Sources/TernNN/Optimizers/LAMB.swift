// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Adam with steps in proportion to each parameter's size, for very large batches (You et al.: "Large batch
/// optimization for deep learning: training BERT in 76 minutes", 2020).
///
///     m = beta1 * m + (1 - beta1) * g
///     v = beta2 * v + (1 - beta2) * g^2
///     d = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weightDecay * w
///     w = w - learningRate * |w| / |d| * d                (1 for |w| / |d| where either is 0)
///
/// Both norms run over all elements of one parameter, so beside the launch that updates all parameters each parameter
/// takes some of its own; nothing waits for them.
public struct LAMB: Optimizer, Sendable {
  /// The length of the next step, relative to each parameter's.
  public var learningRate: Double
  /// How much of the mean and of the variance of gradients each step keeps.
  public let betas: (Double, Double)
  /// What is added to the root of the variance.
  public let epsilon: Double
  /// How much of each weight is added to the direction of its step.
  public let weightDecay: Double
  /// Means and variances of the gradients, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - betas: how much of the mean and of the variance of gradients each step keeps.
  ///   - epsilon: added to the root of the variance.
  ///   - weightDecay: how much of each weight is added to the direction of its step.
  /// - Precondition: no number is negative, and both betas are below 1.
  public init(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-6,
    weightDecay: Double = 0
  ) {
    requireNotNegative("LAMB", ["learningRate": learningRate, "epsilon": epsilon, "weightDecay": weightDecay])
    requireBetas("LAMB", betas)
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// `mean` and `variance`.
  public var slotNames: [String] { ["mean", "variance"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    updateMoments(&slots, gradient, betas: betas)
    let correction = 1 / (1 - power(betas.1, step)).squareRoot()
    let divisor = sqrt(slots[1]) * Float(correction) + Float(epsilon)
    let direction = (slots[0] * Float(1 / (1 - power(betas.0, step))) / divisor).addingDecay(weightDecay, of: value)
    let (size, length) = (norm(value), norm(direction))
    let ratio = `where`((size .> 0) .& (length .> 0), size / length, Tensor(1, on: value.device))
    // In memory, so that the update of each parameter reads one number.
    let scale = (ratio * Float(learningRate)).evaluated()
    return value - direction * scale
  }

  private func norm(_ x: Tensor) -> Tensor { sqrt(x.sumOfSquares()) }
}
