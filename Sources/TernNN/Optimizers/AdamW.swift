// SPDX-License-Identifier: MIT
import Tern

/// Adam with weight decay apart from the moments (Loshchilov, Hutter: "Decoupled weight decay regularization", 2019).
///
///     w = w * (1 - learningRate * weightDecay)
///
/// and then the step of `Adam` without decay.
public struct AdamW: Optimizer {
  private var adam: Adam
  /// The share of a weight, times the learning rate, that each step takes away.
  public let weightDecay: Double

  /// - Precondition: no number is negative, both betas are below 1.
  public init(
    learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0.01, amsgrad: Bool = false
  ) {
    requireNotNegative("AdamW", ["weightDecay": weightDecay])
    adam = Adam(learningRate: learningRate, betas: betas, epsilon: epsilon, amsgrad: amsgrad)
    self.weightDecay = weightDecay
  }

  public var learningRate: Double {
    get { adam.learningRate }
    set { adam.learningRate = newValue }
  }
  public var state: OptimizerState {
    get { adam.state }
    _modify { yield &adam.state }
  }
  public var betas: (Double, Double) { adam.betas }
  public var epsilon: Double { adam.epsilon }
  public var amsgrad: Bool { adam.amsgrad }
  public var slotNames: [String] { adam.slotNames }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let decayed = weightDecay == 0 ? value : value * Float(1 - learningRate * weightDecay)
    return adam.updated(decayed, gradient: gradient, slots: &slots, step: step)
  }
}
