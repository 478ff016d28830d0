// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernRuntime

struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Shows where the time of a training step goes, kernel by kernel.",
    discussion: """
      Takes training steps on one batch of random images and prints what each kernel took by the device's own clock, \
      those first that took the most; then what the device did in all, and how long it had nothing to do. On the CPU \
      the rows are operations.

      resnet18, resnet50 and mobilenet are built for images of 32 x 32 pixels as CIFAR-10 has them, and from \
      --image-size \(ProfiledModel.largeImageSize) on as for ImageNet.

      Examples:
        tern profile lenet5 --device opencl --batch-size 64
        tern profile resnet18 --device opencl --trace resnet18.json
      """)

  private static let quietSteps = 10
  private static let longestWarmUp = 60

  @Argument(help: ArgumentHelp("Network: \(ProfiledModel.list)."))
  var model: ProfiledModel

  @OptionGroup var device: DeviceOptions

  @Option(help: ArgumentHelp("Steps to look at.", valueName: "N"))
  var steps = 10

  @Option(
    help: ArgumentHelp(
      "Steps before those, in which kernels are compiled and memory is fetched; by default as many as it takes until "
        + "\(quietSteps) in a row compile nothing, and \(longestWarmUp) at most.", valueName: "N"))
  var warmUp: Int?

  @Option(help: ArgumentHelp("Images in a training step.", valueName: "N"))
  var batchSize = 32

  @Option(help: ArgumentHelp("Pixels of an image's side.", valueName: "N"))
  var imageSize: Int?

  @Option(help: ArgumentHelp("Update rule: \(OptimizerName.list) (sgd has a momentum of 0.9).", valueName: "NAME"))
  var optimizer = OptimizerName.sgd

  @OptionGroup var tracing: TraceOptions

  @Flag(help: "Print one JSON object on standard output and nothing else.")
  var json = false

  func validate() throws {
    if steps < 1 { throw ValidationError("--steps must be at least 1, got \(steps)") }
    if let warmUp, warmUp < 0 { throw ValidationError("--warm-up must not be negative, got \(warmUp)") }
    if batchSize < 1 { throw ValidationError("--batch-size must be at least 1, got \(batchSize)") }
    guard let imageSize else { return }
    if !model.takesImageSize {
      throw ValidationError("--image-size: \(model.rawValue) takes images of \(model.defaultImageSize) pixels only")
    }
    if imageSize < 8 { throw ValidationError("--image-size must be at least 8, got \(imageSize)") }
  }

  func run() throws {
    let device = try device.resolve()
    if let path = tracing.trace { try AtomicFile.checkWritable(path) }
    let step = model.makeStep(
      batchSize: batchSize, imageSize: imageSize ?? model.defaultImageSize,
      optimizer: optimizer.makeOptimizer(learningRate: nil), on: device)
    try prepare(step, on: device)
    let before = device.statistics
    let trace = try device.trace {
      for number in 1...steps { try device.span("step \(number)") { try step() } }
    }
    let report = ProfileReport(
      trace, model: model.rawValue, batchSize: batchSize, steps: steps,
      builds: (device.statistics - before).programBuilds)
    if json { try printJSON(report) } else { try printResult(report.text) }
    if let path = tracing.trace { try trace.write(to: path) }
  }

  /// Takes the steps that nobody looks at.
  private func prepare(_ step: () throws -> Void, on device: Device) throws {
    var (taken, quiet) = (0, 0)
    while warmUp.map({ taken < $0 }) ?? (quiet < Self.quietSteps && taken < Self.longestWarmUp) {
      let builds = device.statistics.programBuilds
      try step()
      taken += 1
      quiet = device.statistics.programBuilds == builds ? quiet + 1 : 0
    }
    try device.synchronize()
  }
}
