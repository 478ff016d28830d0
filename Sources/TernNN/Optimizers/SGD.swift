// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Stochastic gradient descent with optional momentum.
///
///     g = g + weightDecay * w
///     b = momentum * b + (1 - dampening) * g        (b = g at the first step)
///     w = w - learningRate * b                      (nesterov: g + momentum * b in place of b)
///
/// Nesterov's form is that of Sutskever et al., "On the importance of initialization and momentum in deep learning",
/// 2013.
public struct SGD: Optimizer, Sendable {
  /// The step size of the next update.
  public var learningRate: Double
  /// How much of the sum of past gradients each step keeps: 0.9 makes steps in a steady direction ten times as long.
  public let momentum: Double
  /// The share of each new gradient that is left out of that sum, but for the first.
  public let dampening: Double
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`.
  public let weightDecay: Double
  /// Whether the gradient is taken as if at the place that the momentum leads to.
  public let nesterov: Bool
  /// Sums of past gradients, by the parameters' names; empty without momentum.
  public var state = OptimizerState()

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - momentum: how much of the sum of past gradients each step keeps; 0 needs no memory.
  ///   - nesterov: looks ahead by one step of momentum.
  ///   - dampening: the share of each new gradient that is left out.
  ///   - weightDecay: the factor of an L2 penalty.
  /// - Precondition: no number is negative; `nesterov` goes with momentum and without dampening.
  public init(
    learningRate: Double, momentum: Double = 0, nesterov: Bool = false, dampening: Double = 0, weightDecay: Double = 0
  ) {
    requireNotNegative("SGD", ["learningRate": learningRate, "momentum": momentum, "weightDecay": weightDecay])
    require(
      !nesterov || (momentum > 0 && dampening == 0),
      "SGD: nesterov needs momentum above 0 and no dampening, got \(momentum) and \(dampening)")
    self.learningRate = learningRate
    self.momentum = momentum
    self.dampening = dampening
    self.weightDecay = weightDecay
    self.nesterov = nesterov
  }

  /// `momentum`, or nothing without it.
  public var slotNames: [String] { momentum == 0 ? [] : ["momentum"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let gradient = gradient.addingDecay(weightDecay, of: value)
    guard momentum > 0 else { return value - gradient * Float(learningRate) }
    let fresh = step == 1 ? 1 : 1 - dampening
    slots[0] = slots[0] * Float(momentum) + gradient * Float(fresh)
    let direction = nesterov ? gradient + slots[0] * Float(momentum) : slots[0]
    return value - direction * Float(learningRate)
  }
}
