// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernData
import TernNN
import TernRuntime

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Measures a trained network on test images.",
    discussion: "Example: tern eval --checkpoint lenet5.safetensors --data mnist --json")

  @OptionGroup var saved: SavedModelOptions
  @OptionGroup var data: DataOptions
  @OptionGroup var device: DeviceOptions

  @Flag(help: "Print one JSON object on standard output and nothing else.")
  var json = false

  func run() throws {
    let device = try device.resolve()
    let (specification, model) = try saved.load(on: device)
    let test = try data.load(.test)
    let before = device.statistics
    let result = try measure(
      specification, model, DataLoader(test, batchSize: TrainingJob.evaluationBatchSize, on: device))
    let report = EvaluationReport(
      model: specification.label, device: device.description, samples: result.sampleCount, testLoss: result.loss,
      testAccuracy: result.metrics["accuracy"] ?? 0,
      samplesPerSecond: result.seconds > 0 ? Double(result.sampleCount) / result.seconds : 0,
      peakMemoryBytes: device.peakBytes, cpuFallbacks: (device.statistics - before).cpuFallbacks)
    if json {
      try printJSON(report)
    } else {
      try printResult(
        "\(report.model) on \(device): accuracy \(decimal(report.testAccuracy, 4)), "
          + "loss \(decimal(report.testLoss, 4)), \(report.samples) images")
    }
  }

  private func measure(
    _ specification: ModelSpecification, _ model: some Layer, _ loader: DataLoader
  ) throws -> EvaluationResult {
    try evaluate(model, on: loader, forward: { specification.outputs(of: $0, $1.inputs) })
  }
}

/// What a measurement gave, as `tern eval --json` prints it.
private struct EvaluationReport: Encodable {
  let model: String
  let device: String
  let samples: Int
  let testLoss: Double
  let testAccuracy: Double
  let samplesPerSecond: Double
  let peakMemoryBytes: Int
  let cpuFallbacks: Int
}
