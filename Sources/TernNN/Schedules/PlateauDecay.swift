// SPDX-License-Identifier: MIT
import TernRuntime

/// A rate that drops by a factor when what is measured after each epoch has stopped getting better.
///
/// `fit` measures the validation loss, or without validation data the training loss. A loop of your own calls
/// `observe(_:)` after each epoch and takes `learningRate`.
///
/// What it does follows from the losses alone, so that a resumed run, which knows them, needs nothing else.
public struct PlateauDecay: Schedule {
  /// Which way is better.
  public enum Goal: Sendable, Hashable {
    /// Lower, as of a loss.
    case lowest
    /// Higher, as of an accuracy.
    case highest
  }

  /// How much better counts as better.
  public enum Threshold: Sendable, Hashable {
    /// By that share of the best so far.
    case relative(Double)
    /// By that much.
    case absolute(Double)
  }

  /// The rate at the start.
  public let initial: Double
  /// What each drop multiplies the rate by.
  public let factor: Double
  /// Epochs without improvement that are borne before a drop.
  public let patience: Int
  /// Epochs after a drop in which nothing is counted.
  public let cooldown: Int
  /// The rate that drops end at.
  public let lowest: Double
  /// Which way is better.
  public let goal: Goal
  /// How much better counts as better.
  public let threshold: Threshold

  /// The rate after what has been observed.
  public private(set) var learningRate: Double
  private var best: Double?
  private var badEpochs = 0
  private var coolingEpochs = 0

  /// A rate that has seen nothing yet.
  ///
  /// - Parameters:
  ///   - patience: epochs without improvement that are borne before a drop.
  ///   - cooldown: epochs after a drop in which nothing is counted.
  ///   - lowest: the rate that drops end at.
  /// - Precondition: `factor` is in `0 ..< 1`; `patience` and `cooldown` are not negative.
  public init(
    initial: Double, factor: Double = 0.1, patience: Int = 10, cooldown: Int = 0, lowest: Double = 0,
    goal: Goal = .lowest, threshold: Threshold = .relative(1e-4)
  ) {
    require(
      (0..<1).contains(factor) && patience >= 0 && cooldown >= 0,
      "PlateauDecay: needs a factor in 0 ..< 1 and no negative patience or cooldown, got \(factor), \(patience) and "
        + "\(cooldown)")
    self.initial = initial
    self.factor = factor
    self.patience = patience
    self.cooldown = cooldown
    self.lowest = lowest
    self.goal = goal
    self.threshold = threshold
    learningRate = initial
  }

  /// Takes in what was measured after one more epoch. NaN is no improvement.
  public mutating func observe(_ measure: Double) {
    if isBetter(measure) {
      best = measure
      badEpochs = 0
    } else {
      badEpochs += 1
    }
    if coolingEpochs > 0 {
      coolingEpochs -= 1
      badEpochs = 0
    }
    guard badEpochs > patience else { return }
    // Drops too small to matter are left out, so that the rate comes to rest.
    let lower = max(learningRate * factor, lowest)
    if learningRate - lower > 1e-8 { learningRate = lower }
    coolingEpochs = cooldown
    badEpochs = 0
  }

  private func isBetter(_ measure: Double) -> Bool {
    guard let best else { return !measure.isNaN }
    return switch (goal, threshold) {
    case (.lowest, .relative(let share)): measure < best * (1 - share)
    case (.lowest, .absolute(let amount)): measure < best - amount
    case (.highest, .relative(let share)): measure > best * (1 + share)
    case (.highest, .absolute(let amount)): measure > best + amount
    }
  }

  /// The rate after what has been observed, whatever the step.
  public func learningRate(at step: Int) -> Double { learningRate }

  public func learningRate(at step: Int, epochLosses: [Double]) -> Double {
    var decay = self
    for loss in epochLosses { decay.observe(loss) }
    return decay.learningRate
  }
}
