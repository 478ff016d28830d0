// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Adam with the largest recent gradient in place of the root mean square (Kingma, Ba: "Adam: a method for stochastic
/// optimization", 2015, section 7).
///
///     g = g + weightDecay * w
///     m = beta1 * m + (1 - beta1) * g
///     u = max(beta2 * u, |g| + epsilon)
///     w = w - learningRate / (1 - beta1^t) * m / u
public struct Adamax: Optimizer, Sendable {
  /// The step size of the next update: no weight moves much further.
  public var learningRate: Double
  /// How much of the mean and of the largest size of gradients each step keeps.
  public let betas: (Double, Double)
  /// What is added to the size of each gradient, so that the largest is not 0.
  public let epsilon: Double
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`.
  public let weightDecay: Double
  /// Means and largest sizes of the gradients, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state; the defaults are those of the paper.
  ///
  /// - Parameters:
  ///   - betas: how much of the mean and of the largest size of gradients each step keeps.
  ///   - epsilon: added to the size of each gradient.
  ///   - weightDecay: the factor of an L2 penalty.
  /// - Precondition: no number is negative, and both betas are below 1.
  public init(
    learningRate: Double = 2e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) {
    requireNotNegative("Adamax", ["learningRate": learningRate, "epsilon": epsilon, "weightDecay": weightDecay])
    requireBetas("Adamax", betas)
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// `mean` and `largest`.
  public var slotNames: [String] { ["mean", "largest"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let gradient = gradient.addingDecay(weightDecay, of: value)
    slots[0] = slots[0] * Float(betas.0) + gradient * Float(1 - betas.0)
    slots[1] = maximum(slots[1] * Float(betas.1), abs(gradient) + Float(epsilon))
    return value - slots[0] * Float(learningRate / (1 - power(betas.0, step))) / slots[1]
  }
}
