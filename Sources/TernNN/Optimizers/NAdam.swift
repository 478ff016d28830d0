// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// Adam with Nesterov's look ahead (Dozat: "Incorporating Nesterov momentum into Adam", 2016).
///
///     g = g + weightDecay * w
///     m = beta1 * m + (1 - beta1) * g
///     v = beta2 * v + (1 - beta2) * g^2
///     k = beta1 * (1 - 0.96^(t * momentumDecay) / 2), p the product of all k so far, k' the next one
///     w = w - learningRate * ((1 - k) / (1 - p) * g + k' / (1 - p * k') * m) / (sqrt(v / (1 - beta2^t)) + epsilon)
public struct NAdam: Optimizer, Sendable {
  /// The step size of the next update.
  public var learningRate: Double
  /// How much of the mean and of the variance of gradients each step keeps.
  public let betas: (Double, Double)
  /// What is added to the root of the variance.
  public let epsilon: Double
  /// The factor of the L2 penalty `weightDecay / 2 * |w|^2`; or, decoupled, the share of a weight, times the learning
  /// rate, that each step takes away.
  public let weightDecay: Double
  /// Whether the decay passes by the moments, as in `AdamW`.
  public let decouplesDecay: Bool
  /// How fast the momentum rises from half of `beta1` to all of it.
  public let momentumDecay: Double
  /// Whether the present momentum stands twice in the correction of the mean, `1 - p * k * k'`, as it did in PyTorch up
  /// to 1.13; for runs that must repeat those.
  public let repeatsMomentum: Bool
  /// Means and variances of the gradients, by the parameters' names.
  public var state = OptimizerState()

  /// An optimizer without state.
  ///
  /// - Parameters:
  ///   - betas: how much of the mean and of the variance of gradients each step keeps.
  ///   - epsilon: added to the root of the variance.
  ///   - weightDecay: the factor of an L2 penalty, or of the decoupled decay.
  ///   - decouplesDecay: lets the decay pass by the moments.
  ///   - momentumDecay: how fast the momentum rises to `beta1`.
  ///   - repeatsMomentum: repeats the steps of PyTorch up to 1.13, which differ a little in the beginning.
  /// - Precondition: no number is negative, and both betas are below 1.
  public init(
    learningRate: Double = 2e-3, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, decouplesDecay: Bool = false, momentumDecay: Double = 4e-3,
    repeatsMomentum: Bool = false
  ) {
    requireNotNegative(
      "NAdam",
      [
        "learningRate": learningRate, "epsilon": epsilon, "weightDecay": weightDecay, "momentumDecay": momentumDecay,
      ])
    requireBetas("NAdam", betas)
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decouplesDecay = decouplesDecay
    self.momentumDecay = momentumDecay
    self.repeatsMomentum = repeatsMomentum
  }

  /// `mean` and `variance`.
  public var slotNames: [String] { ["mean", "variance"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    let (value, gradient) = decayed(value, gradient, weightDecay, rate: decouplesDecay ? learningRate : nil)
    updateMoments(&slots, gradient, betas: betas)
    let (present, next, product) = momenta(at: step)
    let correction = 1 / (1 - power(betas.1, step)).squareRoot()
    let ofGradient = learningRate * (1 - present) / (1 - product)
    let ofMean = learningRate * next / (1 - product * next * (repeatsMomentum ? present : 1))
    return value - (gradient * Float(ofGradient) + slots[0] * Float(ofMean))
      / (sqrt(slots[1]) * Float(correction) + Float(epsilon))
  }

  /// The momentum of a step, that of the next one, and the product of all up to the step.
  private func momenta(at step: Int) -> (present: Double, next: Double, product: Double) {
    let ratio = pow(0.96, momentumDecay)
    func momentum(_ power: Double) -> Double { betas.0 * (1 - power / 2) }
    // Below the precision of 1 - product nothing changes any more: a few hundred factors, whatever the step.
    var (product, power, taken) = (1.0, 1.0, 0)
    while taken < step && product > 1e-18 {
      taken += 1
      power *= ratio
      product *= momentum(power)
    }
    power = pow(ratio, Double(step))
    return (momentum(power), momentum(power * ratio), product)
  }
}
