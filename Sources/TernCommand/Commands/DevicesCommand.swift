// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernRuntime

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "Lists the devices that Tern can compute on.",
    discussion: """
      The first column is what --device and TERN_DEVICE take. The column half says whether a device computes in half \
      precision; all of them store it. --measure opens each device and takes about a second for each.
      """)

  @Flag(help: "Measure each device's copy bandwidth and peak rate of multiply-adds.")
  var measure = false

  @Flag(help: "Print one JSON object on standard output and nothing else.")
  var json = false

  func run() throws {
    let devices = DeviceDescription.all.map { ListedDevice($0, probe: measure ? probe($0) : nil) }
    if json {
      try printJSON(["devices": devices])
      return
    }
    try printResult(textTable([ListedDevice.header(measured: measure)] + devices.map { $0.row(measured: measure) }))
    if devices.count == 1 { writeToStandardError("No OpenCL device; `tern doctor` looks for the reason.\n") }
  }

  /// A device that cannot be opened has no figures; the reason goes to standard error.
  private func probe(_ description: DeviceDescription) -> DeviceProbe? {
    do {
      return try DeviceProbe.measure(Device.named(description.id))
    } catch {
      writeToStandardError("\(description.id): \(error)\n")
      return nil
    }
  }
}

/// A device with what was measured of it, as one flat JSON object or one row of a table.
private struct ListedDevice: Encodable {
  private let description: DeviceDescription
  private let probe: DeviceProbe?

  init(_ description: DeviceDescription, probe: DeviceProbe?) {
    self.description = description
    self.probe = probe
  }

  func encode(to encoder: any Encoder) throws {
    try description.encode(to: encoder)
    try probe?.encode(to: encoder)
  }

  static func header(measured: Bool) -> [String] {
    ["device", "name", "type", "memory", "units", "local", "half"] + (measured ? ["copy GB/s", "fma GFLOP/s"] : [])
  }

  func row(measured: Bool) -> [String] {
    let rates = [probe?.copyGigabytesPerSecond, probe?.multiplyAddGigaflopsPerSecond].map {
      $0.map { decimal($0, 1) } ?? "-"
    }
    return [
      description.id, description.name, description.type, readable(bytes: description.memoryBytes),
      "\(description.computeUnits)",
      description.localMemoryBytes > 0 ? readable(bytes: description.localMemoryBytes) : "-",
      description.supportsHalf ? "yes" : "no",
    ] + (measured ? rates : [])
  }
}
