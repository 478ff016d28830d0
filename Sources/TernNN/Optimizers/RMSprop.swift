// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Steps divided by a running root mean square of the gradient (Hinton, Srivastava, Swersky: "Neural networks for
/// machine learning", lecture 6e, 2012).
///
///     g = g + weightDecay * w
///     v = smoothing * v + (1 - smoothing) * g^2
///     a = smoothing * a + (1 - smoothing) * g            (centered: v - a^2 in place of v below)
///     b = momentum * b + g / (sqrt(v) + epsilon)
///     w = w - learningRate * b
///
/// Centering is that of Graves, "Generating sequences with recurrent neural networks", 2013.
public struct RMSprop: Optimizer, Sendable {
  /// The step size of the next update.
  public var learningRate: Double
  /// How much of the mean square of gradients each step keeps: 0.99 remembers about the last hundred.
  public let smoothing: Double
  /// What is added to the root mean square.
  public let epsilon: Double
  /// How much of the last step is taken again; 0 for none.
  public let momentum: Double
  /// Whether the square of the mean gradient is subtracted, which leaves the variance.
  public let centered: Bool
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`.
  public let weightDecay: Double
  /// Mean squares and, as asked for, means and last steps, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - smoothing: how much of the mean square of gradients each step keeps.
  ///   - epsilon: added to the root mean square.
  ///   - momentum: how much of the last step is taken again.
  ///   - centered: subtracts the square of the mean gradient, for one more tensor a parameter.
  ///   - weightDecay: the factor of an L2 penalty.
  /// - Precondition: no number is negative, and `smoothing` is at most 1.
  public init(
    learningRate: Double = 1e-2, smoothing: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
    centered: Bool = false, weightDecay: Double = 0
  ) {
    requireNotNegative(
      "RMSprop",
      ["learningRate": learningRate, "epsilon": epsilon, "momentum": momentum, "weightDecay": weightDecay])
    require((0...1).contains(smoothing), "RMSprop: smoothing must be in 0 ... 1, got \(smoothing)")
    self.learningRate = learningRate
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.momentum = momentum
    self.centered = centered
    self.weightDecay = weightDecay
  }

  /// `variance`, then `mean` if centered, then `momentum` if there is any.
  public var slotNames: [String] {
    ["variance"] + (centered ? ["mean"] : []) + (momentum > 0 ? ["momentum"] : [])
  }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let gradient = gradient.addingDecay(weightDecay, of: value)
    slots[0] = slots[0] * Float(smoothing) + square(gradient) * Float(1 - smoothing)
    var variance = slots[0]
    if centered {
      slots[1] = slots[1] * Float(smoothing) + gradient * Float(1 - smoothing)
      // Rounding leaves less than 0 where the gradient hardly changes, whose root would be NaN.
      variance = relu(variance - square(slots[1]))
    }
    let quotient = gradient / (sqrt(variance) + Float(epsilon))
    guard momentum > 0 else { return value - quotient * Float(learningRate) }
    let last = slots.count - 1
    slots[last] = slots[last] * Float(momentum) + quotient
    return value - slots[last] * Float(learningRate)
  }
}
