// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Adaptive moments (Kingma, Ba: "Adam: a method for stochastic optimization", 2015).
///
///     g = g + weightDecay * w
///     m = beta1 * m + (1 - beta1) * g
///     v = beta2 * v + (1 - beta2) * g^2
///     w = w - learningRate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
///
/// With `amsgrad`, the largest `v` so far stands in its place (Reddi, Kale, Kumar: "On the convergence of Adam and
/// beyond", 2018). See `AdamW` for weight decay that the moments do not see.
public struct Adam: Optimizer, Sendable {
  /// The step size of the next update: about how far a weight moves, whatever the size of its gradient.
  public var learningRate: Double
  /// How much of the mean and of the variance of gradients each step keeps: 0.9 and 0.999 remember about the last 10
  /// and the last 1,000.
  public let betas: (Double, Double)
  /// What is added to the root of the variance, so that a variance near 0 does not blow up the step.
  public let epsilon: Double
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`.
  public let weightDecay: Double
  /// Whether the largest variance so far is used.
  public let amsgrad: Bool
  /// Means and variances of the gradients, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state; the defaults are those of the paper.
  ///
  /// - Parameters:
  ///   - betas: how much of the mean and of the variance of gradients each step keeps.
  ///   - epsilon: added to the root of the variance.
  ///   - weightDecay: the factor of an L2 penalty, whose gradient goes through the moments.
  ///   - amsgrad: uses the largest variance so far, for a third tensor a parameter.
  /// - Precondition: no number is negative, and both betas are below 1.
  public init(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, amsgrad: Bool = false
  ) {
    requireNotNegative("Adam", ["learningRate": learningRate, "epsilon": epsilon, "weightDecay": weightDecay])
    requireBetas("Adam", betas)
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.amsgrad = amsgrad
  }

  /// `mean` and `variance`, and `largestVariance` with `amsgrad`.
  public var slotNames: [String] { ["mean", "variance"] + (amsgrad ? ["largestVariance"] : []) }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let gradient = gradient.addingDecay(weightDecay, of: value)
    updateMoments(&slots, gradient, betas: betas)
    if amsgrad { slots[2] = maximum(slots[2], slots[1]) }
    let correction = 1 / (1 - power(betas.1, step)).squareRoot()
    let rate = learningRate / (1 - power(betas.0, step))
    return value - slots[0] * Float(rate) / (sqrt(slots[slots.count - 1]) * Float(correction) + Float(epsilon))
  }
}
