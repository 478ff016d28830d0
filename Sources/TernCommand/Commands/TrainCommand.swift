// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernRuntime

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a network on images of digits.",
    discussion: """
      Networks, for images of 28 x 28 pixels and ten classes:
        logistic  one linear layer, 7,850 parameters
        mlp       784-512-512-10 with ReLU, 669,706 parameters
        lenet5    two 5x5 convolutions and 120-84-10, 61,706 parameters

      The test images are measured after every epoch. Two runs with the same arguments on the same device take exactly \
      the same steps. With --checkpoint, Ctrl-C finishes the step, writes the checkpoint and exits with code 130.

      Examples:
        tern train lenet5
        tern train lenet5 --data mnist --epochs 3 --device opencl --json
        tern train lenet5 --precision float16
        tern train mlp --optimizer sgd --checkpoint mlp.safetensors
        tern train mlp --optimizer sgd --resume mlp.safetensors --epochs 6
        tern train lenet5 --optimizer adamw --schedule cosine --warmup 100 --epochs 10
      """)

  @Argument(help: ArgumentHelp("Network: \(ModelName.list)."))
  var model: ModelName

  @Flag(help: "lenet5 as published: tanh and average pooling in place of ReLU and max pooling.")
  var classic = false

  @OptionGroup var data: DataOptions
  @OptionGroup var device: DeviceOptions
  @OptionGroup var recipe: RecipeOptions

  @Option(
    help: ArgumentHelp(
      "Write the network and the training's state there after every epoch (safetensors).", valueName: "FILE"))
  var checkpoint: String?

  @Option(
    help: ArgumentHelp(
      "Go on from a checkpoint, exactly as if it had never stopped. Checkpoints go on into the same file unless "
        + "--checkpoint names another.", valueName: "FILE"))
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Write the loss of each step there, one a line, in full precision. With --resume, later lines of that file are "
        + "replaced.", valueName: "FILE"))
  var jsonSteps: String?

  @OptionGroup var tracing: TraceOptions

  @Flag(help: "Print one JSON object on standard output and nothing else.")
  var json = false

  func validate() throws {
    if classic && model != .lenet5 { throw ValidationError("--classic is a form of lenet5, not of \(model.rawValue)") }
    try checkPaths(["--checkpoint": checkpoint, "--resume": resume, "--json-steps": jsonSteps])
    // Losses or a trace would take the place of the network.
    try checkApart(["--checkpoint": checkpoint, "--resume": resume], from: "--json-steps", jsonSteps)
    try checkApart(
      ["--checkpoint": checkpoint, "--resume": resume, "--json-steps": jsonSteps], from: "--trace", tracing.trace)
  }

  func run() throws {
    let device = try device.resolve()
    try tracing.traced([device]) { try train(on: device) }
  }

  private func train(on device: Device) throws {
    let checkpoint = checkpoint ?? resume
    let job = TrainingJob(
      specification: ModelSpecification(model, isClassic: classic, precision: recipe.precision), recipe: recipe,
      device: device, train: try data.load(.train), test: try data.load(.test), checkpoint: checkpoint, resume: resume,
      lossLog: try jsonSteps.map { try LossLog(path: $0) })
    guard let report = try job.run() else {
      writeToStandardError("tern: interrupted; run the same command with --resume \(checkpoint ?? "FILE") to go on\n")
      throw ExitCode(130)
    }
    if json {
      try printJSON(report)
    } else {
      try printResult(
        "\(report.model) on \(device) (\(device.name)): test accuracy \(decimal(report.testAccuracy, 4)) after "
          + "\(report.epochs) epochs, \(decimal(report.samplesPerSecond, 0)) samples/s, "
          + "peak memory \(readable(bytes: report.peakMemoryBytes))")
    }
  }
}
