// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Steps divided by the root of the sum of all squared gradients so far (Duchi, Hazan, Singer: "Adaptive subgradient
/// methods for online learning and stochastic optimization", 2011).
///
///     g = g + weightDecay * w
///     s = s + g^2                                          (initialSum before the first step)
///     w = w - learningRate / (1 + (t - 1) * rateDecay) * g / (sqrt(s) + epsilon)
///
/// Suits sparse features: a weight whose gradient is rarely other than 0 keeps large steps.
public struct Adagrad: Optimizer, Sendable {
  /// The step size of the first update; the sums shrink what follows.
  public var learningRate: Double
  /// How fast the learning rate itself falls: it has halved after `1 / rateDecay` steps.
  public let rateDecay: Double
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`.
  public let weightDecay: Double
  /// What every sum begins with.
  public let initialSum: Double
  /// What is added to the root of the sum.
  public let epsilon: Double
  /// Sums of squared gradients, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - rateDecay: how fast the learning rate itself falls.
  ///   - weightDecay: the factor of an L2 penalty.
  ///   - initialSum: what every sum of squares begins with; above 0 it tempers the first steps.
  ///   - epsilon: added to the root of the sum.
  /// - Precondition: no number is negative.
  public init(
    learningRate: Double = 1e-2, rateDecay: Double = 0, weightDecay: Double = 0, initialSum: Double = 0,
    epsilon: Double = 1e-10
  ) {
    requireNotNegative(
      "Adagrad",
      [
        "learningRate": learningRate, "rateDecay": rateDecay, "weightDecay": weightDecay, "initialSum": initialSum,
        "epsilon": epsilon,
      ])
    self.learningRate = learningRate
    self.rateDecay = rateDecay
    self.weightDecay = weightDecay
    self.initialSum = initialSum
    self.epsilon = epsilon
  }

  /// `sum`.
  public var slotNames: [String] { ["sum"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let gradient = gradient.addingDecay(weightDecay, of: value)
    // Added at every step, as 0 after the first, so that all steps are one program.
    if initialSum > 0 { slots[0] = slots[0] + Float(step == 1 ? initialSum : 0) }
    slots[0] = slots[0] + square(gradient)
    let rate = learningRate / (1 + Double(step - 1) * rateDecay)
    return value - gradient * Float(rate) / (sqrt(slots[0]) + Float(epsilon))
  }
}
