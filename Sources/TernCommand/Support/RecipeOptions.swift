// SPDX-License-Identifier: MIT
import ArgumentParser
import TernNN

/// How to train.
struct RecipeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Passes over the training images, counted from the very beginning.", valueName: "N"))
  var epochs = 3

  @Option(help: ArgumentHelp("Images in a training step.", valueName: "N"))
  var batchSize = 32

  @Option(
    help: ArgumentHelp(
      "Step size, the largest one of a schedule; by default what suits the optimizer: "
        + OptimizerName.allCases.map { "\($0.rawValue) \($0.usualRate)" }.joined(separator: ", ") + ".",
      valueName: "X"))
  var learningRate: Double?

  @Option(help: ArgumentHelp("Update rule: \(OptimizerName.list) (sgd has a momentum of 0.9).", valueName: "NAME"))
  var optimizer = OptimizerName.adam

  @Option(
    help: ArgumentHelp(
      "What weights and activations are stored in: \(Precision.list). Updates are made in float32 always, and "
        + "losses of float16 networks are scaled.", valueName: "NAME"))
  var precision = Precision.float32

  @Option(help: ArgumentHelp("Decay of the weights; 0 by default, and 0.01 for adamw.", valueName: "X"))
  var weightDecay: Double?

  @Option(
    help: ArgumentHelp(
      "Course of the step size over all --epochs, so a resumed run needs the same number of them.",
      discussion: ScheduleName.explanation, valueName: "NAME"))
  var schedule = ScheduleName.constant

  @Option(help: ArgumentHelp("Steps at the beginning in which the step size rises from 0.", valueName: "N"))
  var warmup = 0

  @Option(help: ArgumentHelp("Epochs of a schedule's period.", valueName: "N"))
  var schedulePeriod: Int?

  @Option(help: ArgumentHelp("What a schedule multiplies the step size by, above 0 and below 1.", valueName: "X"))
  var scheduleFactor: Double?

  @Option(help: ArgumentHelp("Step size that a schedule ends at; 0 by default.", valueName: "X"))
  var finalRate: Double?

  @Option(help: ArgumentHelp("Seed of the initial weights and of the order of the images.", valueName: "N"))
  var seed: UInt64 = 0

  func validate() throws {
    if epochs < 1 { throw ValidationError("--epochs must be at least 1, got \(epochs)") }
    if batchSize < 1 { throw ValidationError("--batch-size must be at least 1, got \(batchSize)") }
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--learning-rate must be a positive number, got \(learningRate)")
    }
    for (name, number) in [("--weight-decay", weightDecay), ("--final-rate", finalRate)] {
      if let number, !(number >= 0 && number.isFinite) {
        throw ValidationError("\(name) must be 0 or a positive number, got \(number)")
      }
    }
    if warmup < 0 { throw ValidationError("--warmup must be at least 0, got \(warmup)") }
    if let schedulePeriod, schedulePeriod < 1 {
      throw ValidationError("--schedule-period must be at least 1, got \(schedulePeriod)")
    }
    if let scheduleFactor, !(scheduleFactor > 0 && scheduleFactor < 1) {
      throw ValidationError("--schedule-factor must be above 0 and below 1, got \(scheduleFactor)")
    }
    let given: [(ScheduleName.Setting, Bool)] = [
      (.period, schedulePeriod != nil), (.factor, scheduleFactor != nil), (.final, finalRate != nil),
    ]
    try schedule.check(given.filter(\.1).map(\.0))
  }

  func makeOptimizer() -> any Optimizer {
    optimizer.makeOptimizer(learningRate: learningRate, weightDecay: weightDecay)
  }

  /// A schedule that counts steps, if the step size changes.
  func makeSchedule(stepsPerEpoch: Int) -> (any Schedule)? {
    schedule.makeSchedule(
      ScheduleName.Course(
        rate: learningRate ?? optimizer.usualRate, final: finalRate ?? 0, epochs: epochs,
        stepsPerEpoch: stepsPerEpoch, period: schedulePeriod, factor: scheduleFactor, warmUp: warmup))
  }
}
