// SPDX-License-Identifier: MIT
import ArgumentParser
import Foundation
import TernNN

/// The courses of the step size that the tool offers.
enum ScheduleName: String, CaseIterable, ExpressibleByArgument {
  case constant, step, exponential, linear, polynomial, cosine, cyclic, plateau
  case multiStep = "multi-step"
  case inverseTime = "inverse-time"
  case inverseRoot = "inverse-sqrt"
  case cosineRestarts = "cosine-restarts"
  case oneCycle = "one-cycle"

  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// One line for each of them, for the help.
  static let explanation = """
    constant         the same rate throughout
    step             times the factor (0.1) after every period (a third of the run)
    multi-step       times the factor (0.1) after half and three quarters of the run
    exponential      times the factor (0.9) after every epoch, evenly
    inverse-time     rate / (1 + t / period): half after a period (a third of the run)
    inverse-sqrt     rises during the warm-up (a tenth of the run), then falls like the inverse root of time
    linear           evenly to --final-rate at the end of the run
    polynomial       along the square of the time that is left
    cosine           along half a cosine
    cosine-restarts  along half a cosine, again after every period (a quarter of the run)
    one-cycle        from rate / 25 up to the rate in 30 % of the run, and down to almost nothing
    cyclic           between a tenth of the rate and the rate, up and down in every period (an epoch)
    plateau          times the factor (0.1) when the test loss has not fallen for a period (2 epochs)
    """

  /// Which of `--schedule-period`, `--schedule-factor` and `--final-rate` mean something.
  private var settings: Set<Setting> {
    switch self {
    case .step, .plateau: [.period, .factor]
    case .multiStep, .exponential: [.factor]
    case .inverseTime, .cyclic: [.period]
    case .linear, .polynomial, .cosine: [.final]
    case .cosineRestarts: [.period, .final]
    case .constant, .inverseRoot, .oneCycle: []
    }
  }

  enum Setting: String {
    case period = "--schedule-period"
    case factor = "--schedule-factor"
    case final = "--final-rate"
  }

  /// - Throws: `ValidationError` for a setting that the schedule does not have.
  func check(_ given: [Setting]) throws {
    for setting in given where !settings.contains(setting) {
      throw ValidationError("\(setting.rawValue) does not apply to the schedule \(rawValue)")
    }
  }

  /// What a schedule is made for.
  struct Course {
    /// The largest rate, or that of the start.
    let rate: Double
    let final: Double
    let epochs, stepsPerEpoch: Int
    /// In epochs.
    let period: Int?
    let factor: Double?
    /// In steps.
    let warmUp: Int

    /// Steps of the whole run.
    var steps: Int { epochs * stepsPerEpoch }

    /// Steps of a period; `share` of the run where none is given.
    func period(otherwise share: Int) -> Int { max(1, period.map { $0 * stepsPerEpoch } ?? steps / share) }
  }

  /// A schedule that counts steps; nil where the rate stays as it is.
  func makeSchedule(_ course: Course) -> (any Schedule)? {
    guard let schedule = unwarmed(course) else {
      return course.warmUp > 0 ? WarmUp(steps: course.warmUp, before: ConstantRate(course.rate)) : nil
    }
    // One has a warm-up of its own.
    return self == .inverseRoot || course.warmUp == 0
      ? schedule : WarmUp(steps: course.warmUp, during: schedule)
  }

  private func unwarmed(_ course: Course) -> (any Schedule)? {
    let (rate, steps, epoch) = (course.rate, course.steps, course.stepsPerEpoch)
    switch self {
    case .constant: return nil
    case .step: return StepDecay(initial: rate, every: course.period(otherwise: 3), factor: course.factor ?? 0.1)
    case .multiStep:
      return MultiStepDecay(initial: rate, milestones: [steps / 2, steps * 3 / 4], factor: course.factor ?? 0.1)
    case .exponential:
      return ExponentialDecay(initial: rate, factor: pow(course.factor ?? 0.9, 1 / Double(epoch)))
    case .inverseTime:
      return InverseTimeDecay(initial: rate, decay: 1 / Double(course.period(otherwise: 3)))
    case .inverseRoot:
      return InverseSquareRootDecay(peak: rate, warmUp: course.warmUp > 0 ? course.warmUp : max(1, steps / 10))
    case .linear: return PolynomialDecay(initial: rate, final: course.final, steps: steps)
    case .polynomial: return PolynomialDecay(initial: rate, final: course.final, steps: steps, power: 2)
    case .cosine: return CosineDecay(initial: rate, final: course.final, steps: steps)
    case .cosineRestarts:
      return CosineRestarts(initial: rate, final: course.final, period: course.period(otherwise: 4))
    case .oneCycle: return OneCycle(peak: rate, steps: max(2, steps))
    case .cyclic:
      return CyclicRate(low: rate / 10, high: rate, rise: max(1, (course.period ?? 1) * epoch / 2))
    case .plateau:
      return PlateauDecay(initial: rate, factor: course.factor ?? 0.1, patience: course.period ?? 2)
    }
  }
}
