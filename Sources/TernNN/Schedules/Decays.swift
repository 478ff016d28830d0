// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// A rate that drops by a factor at given times: `initial * factor^(milestones that have passed)`.
public struct MultiStepDecay: Schedule {
  /// The rate at the start.
  public let initial: Double
  /// The steps (or epochs) from which on the rate is smaller, in ascending order.
  public let milestones: [Int]
  /// What each drop multiplies the rate by.
  public let factor: Double

  /// A rate that stays until the next milestone.
  ///
  /// - Parameter milestones: in any order; one that is there twice counts twice.
  public init(initial: Double, milestones: [Int], factor: Double = 0.1) {
    self.initial = initial
    self.milestones = milestones.sorted()
    self.factor = factor
  }

  public func learningRate(at step: Int) -> Double {
    initial * pow(factor, Double(milestones.prefix { $0 <= step }.count))
  }
}

/// A rate that falls to `final` along a power of the time that is left, and stays there:
///
///     final + (initial - final) * (1 - min(t, steps) / steps)^power
public struct PolynomialDecay: Schedule {
  /// The rate at the start.
  public let initial: Double
  /// The rate after `steps`.
  public let final: Double
  /// Steps (or epochs) from the start to the final rate.
  public let steps: Int
  /// 1 falls evenly, more falls faster at first.
  public let power: Double

  /// A rate that falls along a power.
  ///
  /// - Precondition: `steps` and `power` are positive.
  public init(initial: Double, final: Double = 0, steps: Int, power: Double = 1) {
    require(
      steps > 0 && power > 0,
      "PolynomialDecay: the number of steps and the power must be positive, got \(steps) and \(power)")
    self.initial = initial
    self.final = final
    self.steps = steps
    self.power = power
  }

  public func learningRate(at step: Int) -> Double {
    final + (initial - final) * pow(1 - Double(min(step, steps)) / Double(steps), power)
  }
}

/// A rate that rises evenly for `warmUp` steps and then falls like the inverse root of time, so that it is `peak` where
/// both meet (Vaswani et al.: "Attention is all you need", 2017, section 5.3):
///
///     peak * min((t + 1) / warmUp, sqrt(warmUp / (t + 1)))
///
/// The paper's peak is `1 / sqrt(width * warmUp)`, with `width` the size of the model's vectors; see
/// `init(width:warmUp:scale:)`.
public struct InverseSquareRootDecay: Schedule {
  /// The largest rate, that of the last step of the warm-up.
  public let peak: Double
  /// Steps of the warm-up.
  public let warmUp: Int

  /// A rate with a given peak.
  ///
  /// - Precondition: `warmUp` is positive.
  public init(peak: Double, warmUp: Int) {
    require(warmUp > 0, "InverseSquareRootDecay: the warm-up must have a step at least, got \(warmUp)")
    self.peak = peak
    self.warmUp = warmUp
  }

  /// The rate of the paper, often called Noam's, times `scale`:
  ///
  ///     scale / sqrt(width) * min(1 / sqrt(t + 1), (t + 1) / warmUp^1.5)
  ///
  /// - Precondition: `width` and `warmUp` are positive.
  public init(width: Int, warmUp: Int, scale: Double = 1) {
    require(width > 0, "InverseSquareRootDecay: the width must be positive, got \(width)")
    self.init(peak: scale / (Double(width) * Double(warmUp)).squareRoot(), warmUp: warmUp)
  }

  public func learningRate(at step: Int) -> Double {
    let (time, warmUp) = (Double(step + 1), Double(warmUp))
    return peak * min(time / warmUp, (warmUp / time).squareRoot())
  }
}
