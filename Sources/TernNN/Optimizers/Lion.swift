// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Steps of one size in the direction of the sign of a mean gradient (Chen et al.: "Symbolic discovery of optimization
/// algorithms", 2023).
///
///     c = beta1 * m + (1 - beta1) * g
///     w = w * (1 - learningRate * weightDecay) - learningRate * sign(c)
///     m = beta2 * m + (1 - beta2) * g
///
/// Takes half of Adam's memory, a third to a tenth of its learning rate, and as much more weight decay.
public struct Lion: Optimizer, Sendable {
  /// The size of the next step of every weight whose mean gradient is not 0.
  public var learningRate: Double
  /// How much of the mean gradient counts for the step's sign, and how much of it is kept.
  public let betas: (Double, Double)
  /// The share of a weight, times the learning rate, that each step takes away.
  public let weightDecay: Double
  /// Means of the gradients, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state; the defaults are those of the paper.
  ///
  /// - Parameters:
  ///   - betas: how much of the mean gradient counts for the step's sign, and how much of it is kept.
  ///   - weightDecay: the share of a weight, times the learning rate, that each step takes away.
  /// - Precondition: no number is negative, and both betas are below 1.
  public init(learningRate: Double = 1e-4, betas: (Double, Double) = (0.9, 0.99), weightDecay: Double = 0) {
    requireNotNegative("Lion", ["learningRate": learningRate, "weightDecay": weightDecay])
    requireBetas("Lion", betas)
    self.learningRate = learningRate
    self.betas = betas
    self.weightDecay = weightDecay
  }

  /// `mean`.
  public var slotNames: [String] { ["mean"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let direction = sign(slots[0] * Float(betas.0) + gradient * Float(1 - betas.0))
    slots[0] = slots[0] * Float(betas.1) + gradient * Float(1 - betas.1)
    let (value, _) = decayed(value, gradient, weightDecay, rate: learningRate)
    return value - direction * Float(learningRate)
  }
}
