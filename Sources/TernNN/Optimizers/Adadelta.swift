// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Steps in the units of the weights: each is the ratio of two running root mean squares, of past steps and of past
/// gradients (Zeiler: "ADADELTA: an adaptive learning rate method", 2012).
///
///     g = g + weightDecay * w
///     v = smoothing * v + (1 - smoothing) * g^2
///     d = sqrt(u + epsilon) / sqrt(v + epsilon) * g
///     u = smoothing * u + (1 - smoothing) * d^2
///     w = w - learningRate * d
public struct Adadelta: Optimizer, Sendable {
  /// What the steps are multiplied by; 1 in the paper.
  public var learningRate: Double
  /// How much of both mean squares each step keeps.
  public let smoothing: Double
  /// What is added below both roots; its root is about the size of the first steps.
  public let epsilon: Double
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`.
  public let weightDecay: Double
  /// Mean squares of gradients and steps, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - smoothing: how much of both mean squares each step keeps.
  ///   - epsilon: added below both roots.
  ///   - weightDecay: the factor of an L2 penalty.
  /// - Precondition: no number is negative, and `smoothing` is at most 1.
  public init(
    learningRate: Double = 1, smoothing: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0
  ) {
    requireNotNegative(
      "Adadelta", ["learningRate": learningRate, "epsilon": epsilon, "weightDecay": weightDecay])
    require((0...1).contains(smoothing), "Adadelta: smoothing must be in 0 ... 1, got \(smoothing)")
    self.learningRate = learningRate
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// `squaredGradient` and `squaredStep`.
  public var slotNames: [String] { ["squaredGradient", "squaredStep"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let gradient = gradient.addingDecay(weightDecay, of: value)
    let (kept, new) = (Float(smoothing), Float(1 - smoothing))
    slots[0] = slots[0] * kept + square(gradient) * new
    let change = sqrt(slots[1] + Float(epsilon)) / sqrt(slots[0] + Float(epsilon)) * gradient
    slots[1] = slots[1] * kept + square(change) * new
    return value - change * Float(learningRate)
  }
}
