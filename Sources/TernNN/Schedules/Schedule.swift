// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// A learning rate that depends on how far training has come.
///
/// Schedules are pure functions, so that a resumed run needs nothing but the step's number.
public protocol Schedule: Sendable {
  /// The rate of step (or epoch) number `step`, counted from 0.
  func learningRate(at step: Int) -> Double
  /// The rate of a step (or epoch) when some epochs are complete, for schedules that look at how training goes. Unless
  /// a schedule says otherwise, their losses make no difference.
  ///
  /// - Parameter epochLosses: the validation loss of each complete epoch, or its training loss without validation data.
  func learningRate(at step: Int, epochLosses: [Double]) -> Double
}

extension Schedule {
  public func learningRate(at step: Int, epochLosses: [Double]) -> Double { learningRate(at: step) }
}

/// What a schedule counts.
public enum ScheduleUnit: String, Sendable, Hashable, Codable {
  /// Updates: the schedule is asked before each with the number of updates so far.
  case step
  /// Passes over the data: the rate stays the same within one.
  case epoch
}

/// A rate that drops by a factor at regular intervals: `initial * factor^floor(t / interval)`.
public struct StepDecay: Schedule {
  /// The rate at the start.
  public let initial: Double
  /// Steps or epochs between two drops.
  public let interval: Int
  /// What each drop multiplies the rate by.
  public let factor: Double

  /// A rate that stays for `interval` steps (or epochs) at a time.
  ///
  /// - Precondition: `interval` is positive.
  public init(initial: Double, every interval: Int, factor: Double = 0.1) {
    require(interval > 0, "StepDecay: the interval must be positive, got \(interval)")
    self.initial = initial
    self.interval = interval
    self.factor = factor
  }

  public func learningRate(at step: Int) -> Double { initial * pow(factor, Double(step / interval)) }
}

/// A rate that shrinks by the same factor each time: `initial * factor^t`.
public struct ExponentialDecay: Schedule {
  /// The rate at the start.
  public let initial: Double
  /// What each step (or epoch) multiplies the rate by; below 1 to shrink.
  public let factor: Double

  /// A rate from its start and the factor of each step (or epoch); nothing is checked.
  public init(initial: Double, factor: Double) {
    self.initial = initial
    self.factor = factor
  }

  public func learningRate(at step: Int) -> Double { initial * pow(factor, Double(step)) }
}

/// A rate that falls like the inverse of time: `initial / (1 + decay * t)`.
public struct InverseTimeDecay: Schedule {
  /// The rate at the start.
  public let initial: Double
  /// How fast the rate falls: it has halved after `1 / decay` steps (or epochs).
  public let decay: Double

  /// A rate that falls fast at first and ever more slowly.
  ///
  /// - Precondition: `decay` is not negative.
  public init(initial: Double, decay: Double) {
    require(decay >= 0, "InverseTimeDecay: the decay must not be negative, got \(decay)")
    self.initial = initial
    self.decay = decay
  }

  public func learningRate(at step: Int) -> Double { initial / (1 + decay * Double(step)) }
}

/// Half a cosine from `initial` to `final` (Loshchilov, Hutter: "SGDR: stochastic gradient descent with warm restarts",
/// 2017), without restarts:
///
///     final + (initial - final) * (1 + cos(pi * t / steps)) / 2
///
/// Beyond `steps` the cosine goes on, so the rate rises again.
public struct CosineDecay: Schedule {
  /// The rate at the start.
  public let initial: Double
  /// The rate after `steps`.
  public let final: Double
  /// Steps (or epochs) from the start to the lowest rate.
  public let steps: Int

  /// A rate that falls slowly at both ends of its course and fast in the middle.
  ///
  /// - Parameter steps: of the whole training, in the unit that the training loop counts.
  /// - Precondition: `steps` is positive.
  public init(initial: Double, final: Double = 0, steps: Int) {
    require(steps > 0, "CosineDecay: the number of steps must be positive, got \(steps)")
    self.initial = initial
    self.final = final
    self.steps = steps
  }

  public func learningRate(at step: Int) -> Double {
    final + (initial - final) * (1 + cos(.pi * Double(step) / Double(steps))) / 2
  }
}
