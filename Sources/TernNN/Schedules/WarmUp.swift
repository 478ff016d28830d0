// SPDX-License-Identifier: MIT
import TernRuntime

/// The same rate at all times.
public struct ConstantRate: Schedule {
  /// The rate.
  public let rate: Double

  /// A schedule that never changes anything, for a warm-up before it, say.
  public init(_ rate: Double) { self.rate = rate }

  public func learningRate(at step: Int) -> Double { rate }
}

/// Another schedule whose rates rise evenly to what they should be, for the first steps with gradients that are large
/// and unlike each other (Goyal et al.: "Accurate, large minibatch SGD", 2017).
///
///     schedule(t) * (start + (1 - start) * min(t / steps, 1))
///
/// The schedule itself begins at once, or when the warm-up is over:
///
///     WarmUp(steps: 500, before: CosineDecay(initial: 0.1, steps: 9_500))
public struct WarmUp: Schedule {
  /// Steps (or epochs) until the rate is what the schedule says.
  public let steps: Int
  /// What the first rate is multiplied by.
  public let start: Double
  /// What the rates are without warm-up.
  public let schedule: any Schedule
  /// Whether the schedule stands still at its first rate until the warm-up is over.
  public let holdsSchedule: Bool

  /// A warm-up from `start` times the rate to the whole rate, while the schedule already goes on.
  ///
  /// - Precondition: `steps` is positive, `start` not negative.
  public init(steps: Int, from start: Double = 0, during schedule: any Schedule) {
    self.init(steps, start, schedule, holds: false)
  }

  /// A warm-up from `start` times the schedule's first rate to all of it, where the schedule begins.
  ///
  /// - Precondition: `steps` is positive, `start` not negative.
  public init(steps: Int, from start: Double = 0, before schedule: any Schedule) {
    self.init(steps, start, schedule, holds: true)
  }

  private init(_ steps: Int, _ start: Double, _ schedule: any Schedule, holds: Bool) {
    require(
      steps > 0 && start >= 0, "WarmUp: needs a step at least and a start of 0 or more, got \(steps) and \(start)")
    self.steps = steps
    self.start = start
    self.schedule = schedule
    holdsSchedule = holds
  }

  public func learningRate(at step: Int) -> Double { scale(at: step) * schedule.learningRate(at: time(step)) }

  public func learningRate(at step: Int, epochLosses: [Double]) -> Double {
    scale(at: step) * schedule.learningRate(at: time(step), epochLosses: epochLosses)
  }

  private func scale(at step: Int) -> Double { start + (1 - start) * Double(min(step, steps)) / Double(steps) }

  private func time(_ step: Int) -> Int { holdsSchedule ? max(0, step - steps) : step }
}
