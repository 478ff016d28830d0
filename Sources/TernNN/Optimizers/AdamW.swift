// SPDX-License-Identifier: MIT
import Tern

/// Adam with weight decay apart from the moments (Loshchilov, Hutter: "Decoupled weight decay regularization", 2019).
///
///     w = w * (1 - learningRate * weightDecay)
///
/// and then the step of `Adam` without decay.
public struct AdamW: Optimizer, Sendable {
  private var adam: Adam
  /// The share of a weight, times the learning rate, that each step takes away.
  public let weightDecay: Double

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - betas: how much of the mean and of the variance of gradients each step keeps.
  ///   - epsilon: added to the root of the variance.
  ///   - weightDecay: the share of a weight, times the learning rate, that each step takes away.
  ///   - amsgrad: uses the largest variance so far, for a third tensor a parameter.
  /// - Precondition: no number is negative, and both betas are below 1.
  public init(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0.01, amsgrad: Bool = false
  ) {
    requireNotNegative("AdamW", ["weightDecay": weightDecay])
    adam = Adam(learningRate: learningRate, betas: betas, epsilon: epsilon, amsgrad: amsgrad)
    self.weightDecay = weightDecay
  }

  /// The step size of the next update, which also scales the decay.
  public var learningRate: Double {
    get { adam.learningRate }
    set { adam.learningRate = newValue }
  }
  /// Means and variances of the gradients, by the parameters' names.
  public var state: OptimizerState {
    get { adam.state }
    _modify { yield &adam.state }
  }
  /// How much of the mean and of the variance of gradients each step keeps.
  public var betas: (Double, Double) { adam.betas }
  /// What is added to the root of the variance.
  public var epsilon: Double { adam.epsilon }
  /// Whether the largest variance so far is used.
  public var amsgrad: Bool { adam.amsgrad }
  /// Those of `Adam`.
  public var slotNames: [String] { adam.slotNames }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let decayed = weightDecay == 0 ? value : value * Float(1 - learningRate * weightDecay)
    return adam.updated(decayed, gradient: gradient, slots: &slots, step: step)
  }
}
