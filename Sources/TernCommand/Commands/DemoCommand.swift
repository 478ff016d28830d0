// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernData
import TernRuntime

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Trains LeNet-5 on drawn digits, on the CPU and on an OpenCL device.",
    discussion:
      "Ends with a table of both runs. Without an OpenCL device it says what is missing and trains on the CPU.")

  @OptionGroup var recipe: RecipeOptions

  func run() throws {
    let data = try DataOptions.parse([])
    let train = try data.load(.train), test = try data.load(.test)
    writeToStandardError(
      "LeNet-5, 61,706 parameters, on \(train.count) drawn digits; tested on \(test.count) others.\n")
    var rows = [["device", "epochs", "test accuracy", "samples/s", "peak memory"]]
    for device in try [.cpu] + openCLDevices() {
      writeToStandardError("\n\(device): \(device.name)\n")
      let job = TrainingJob(
        specification: ModelSpecification(.lenet5), recipe: recipe, device: device, train: train, test: test)
      guard let report = try job.run() else { throw ExitCode(130) }
      rows.append([
        "\(device) (\(device.name))", "\(report.epochs)", decimal(report.testAccuracy, 4),
        decimal(report.samplesPerSecond, 0), readable(bytes: report.peakMemoryBytes),
      ])
    }
    try printResult("\n" + textTable(rows))
  }

  /// The OpenCL device to show: the default one if it is one, else the first; none, with the reason, where there is
  /// none.
  private func openCLDevices() throws -> [Device] {
    let preferred = try DeviceOptions.parse([]).resolve()
    if preferred != .cpu { return [preferred] }
    do {
      return [try Device.opencl(0)]
    } catch {
      writeToStandardError("\nOnly the CPU takes part, and everything works on it: \(error)\n")
      return []
    }
  }
}
