// SPDX-License-Identifier: MIT
import ArgumentParser

/// How to train.
struct RecipeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Passes over the training images, counted from the very beginning.", valueName: "N"))
  var epochs = 3

  @Option(help: ArgumentHelp("Images in a training step.", valueName: "N"))
  var batchSize = 32

  @Option(help: ArgumentHelp("Step size; by default 0.001, and 0.01 for sgd.", valueName: "X"))
  var learningRate: Double?

  @Option(help: ArgumentHelp("Update rule: \(OptimizerName.list) (sgd has a momentum of 0.9).", valueName: "NAME"))
  var optimizer = OptimizerName.adam

  @Option(
    help: ArgumentHelp(
      "What weights and activations are stored in: \(Precision.list). Updates are made in float32 always, and "
        + "losses of float16 networks are scaled.", valueName: "NAME"))
  var precision = Precision.float32

  @Option(help: ArgumentHelp("Seed of the initial weights and of the order of the images.", valueName: "N"))
  var seed: UInt64 = 0

  func validate() throws {
    if epochs < 1 { throw ValidationError("--epochs must be at least 1, got \(epochs)") }
    if batchSize < 1 { throw ValidationError("--batch-size must be at least 1, got \(batchSize)") }
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--learning-rate must be a positive number, got \(learningRate)")
    }
  }
}
