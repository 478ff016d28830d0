// SPDX-License-Identifier: MIT
import ArgumentParser
import Foundation
import Tern

/// Where to compute.
struct DeviceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where to compute; by default TERN_DEVICE if set, else the first OpenCL GPU, else the CPU.",
      discussion: "`tern devices` lists what there is.", valueName: "cpu|opencl[:N]"))
  var device: String?

  /// - Throws: `TernError` with code `noDevice` if there is no such device.
  func resolve() throws -> Device {
    if let device { return try Device.named(device) }
    // Looked at here, since `Device.default` traps on a wrong name: it cannot throw.
    guard let name = ProcessInfo.processInfo.environment["TERN_DEVICE"], !name.isEmpty else { return .default }
    do {
      return try Device.named(name)
    } catch let error as TernError {
      throw TernError(error.code, "TERN_DEVICE: \(error.message)", remedy: error.remedy, cause: error.cause)
    }
  }
}
