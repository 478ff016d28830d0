// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// How a rate moves from one value to another.
public enum AnnealingShape: String, Sendable, Hashable, Codable {
  /// Along half a cosine: slowly at both ends.
  case cosine
  /// Along a straight line.
  case linear

  /// The value after a share of the way, 0 to 1.
  func value(from start: Double, to end: Double, at share: Double) -> Double {
    switch self {
    case .cosine: end + (start - end) * (1 + cos(.pi * share)) / 2
    case .linear: start + (end - start) * share
    }
  }
}

/// Half cosines from `initial` to `final`, one after the other, each `growth` times as long as the one before
/// (Loshchilov, Hutter: "SGDR: stochastic gradient descent with warm restarts", 2017).
public struct CosineRestarts: Schedule {
  /// The rate at the start of each cycle.
  public let initial: Double
  /// The rate that each cycle falls to.
  public let final: Double
  /// Steps (or epochs) of the first cycle.
  public let period: Int
  /// How many times as long as the last each next cycle is.
  public let growth: Int

  /// A rate that falls again and again.
  ///
  /// - Precondition: `period` and `growth` are positive.
  public init(initial: Double, final: Double = 0, period: Int, growth: Int = 1) {
    require(
      period > 0 && growth > 0, "CosineRestarts: period and growth must be positive, got \(period) and \(growth)")
    self.initial = initial
    self.final = final
    self.period = period
    self.growth = growth
  }

  public func learningRate(at step: Int) -> Double {
    var (time, length) = (step, period)
    if growth == 1 {
      time %= period
    } else {
      // Their lengths grow, so there are few.
      while time >= length {
        time -= length
        length *= growth
      }
    }
    return AnnealingShape.cosine.value(from: initial, to: final, at: Double(time) / Double(length))
  }
}

/// One rise to a peak and one long fall, for training in few epochs (Smith, Topin: "Super-convergence: very fast
/// training of neural networks using large learning rates", 2019).
///
/// From `peak / initialDivisor` up to `peak` in the first `rise` of all steps, then down to
/// `peak / initialDivisor / finalDivisor` at the last one, where it stays.
public struct OneCycle: Schedule {
  /// The largest rate.
  public let peak: Double
  /// Steps of the whole training.
  public let steps: Int
  /// The share of the steps in which the rate rises.
  public let rise: Double
  /// The rate's course between start, peak and end.
  public let shape: AnnealingShape
  /// What the peak is divided by at the start.
  public let initialDivisor: Double
  /// What the rate at the start is divided by at the end.
  public let finalDivisor: Double

  /// A rate that rises and falls once.
  ///
  /// - Parameters:
  ///   - steps: of the whole training, in the unit that the training loop counts.
  ///   - rise: the share of the steps in which the rate rises.
  /// - Precondition: there are two steps at least, `rise` is in `0 ... 1`, and the divisors are positive.
  public init(
    peak: Double, steps: Int, rise: Double = 0.3, shape: AnnealingShape = .cosine, initialDivisor: Double = 25,
    finalDivisor: Double = 1e4
  ) {
    require(
      steps > 1 && (0...1).contains(rise) && initialDivisor > 0 && finalDivisor > 0,
      "OneCycle: needs 2 steps, a rise in 0 ... 1 and positive divisors, got \(steps), \(rise), \(initialDivisor) "
        + "and \(finalDivisor)")
    self.peak = peak
    self.steps = steps
    self.rise = rise
    self.shape = shape
    self.initialDivisor = initialDivisor
    self.finalDivisor = finalDivisor
  }

  public func learningRate(at step: Int) -> Double {
    let (time, last) = (Double(min(step, steps - 1)), Double(steps - 1))
    let start = peak / initialDivisor
    // The last step of the rise; it need not be a whole one.
    let top = min(max(rise * Double(steps) - 1, 0), last)
    if time <= top && top > 0 { return shape.value(from: start, to: peak, at: time / top) }
    return shape.value(from: peak, to: start / finalDivisor, at: top < last ? (time - top) / (last - top) : 1)
  }
}

/// A rate that rises and falls between two bounds along straight lines, again and again (Smith: "Cyclical learning
/// rates for training neural networks", 2017).
public struct CyclicRate: Schedule {
  /// What becomes of the height of the triangles.
  public enum Height: Sendable, Hashable {
    /// All are as high.
    case constant
    /// Each is half as high as the one before.
    case halved
    /// The height is multiplied by this number at every step.
    case decaying(Double)
  }

  /// The lowest rate, that of the start.
  public let low: Double
  /// The rate at the top of the first triangle.
  public let high: Double
  /// Steps of each rise.
  public let rise: Int
  /// Steps of each fall.
  public let fall: Int
  /// What becomes of the height.
  public let height: Height

  /// A rate that rises and falls again and again.
  ///
  /// - Parameter fall: as many steps as those of the rise when nil.
  /// - Precondition: `rise` and `fall` are positive.
  public init(low: Double, high: Double, rise: Int, fall: Int? = nil, height: Height = .constant) {
    let fall = fall ?? rise
    require(rise > 0 && fall > 0, "CyclicRate: rise and fall must have a step at least, got \(rise) and \(fall)")
    self.low = low
    self.high = high
    self.rise = rise
    self.fall = fall
    self.height = height
  }

  public func learningRate(at step: Int) -> Double {
    let (cycle, time) = step.quotientAndRemainder(dividingBy: rise + fall)
    let share = time <= rise ? Double(time) / Double(rise) : Double(rise + fall - time) / Double(fall)
    let scale =
      switch height {
      case .constant: 1.0
      case .halved: pow(0.5, Double(cycle))
      case .decaying(let factor): pow(factor, Double(step))
      }
    return low + (high - low) * share * scale
  }
}
