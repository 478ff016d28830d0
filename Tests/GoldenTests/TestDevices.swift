// SPDX-License-Identifier: MIT
import Foundation

@testable import TernRuntime

/// The devices that golden cases run on.
enum TestDevices {
  /// Each device, and each OpenCL device once more with the kernels that it would not get: a CPU device runs the GPUs'
  /// kernels too, and the other way round.
  static let all: [Device] =
    Device.all
    + Device.all.compactMap { device in
      reopened(device) { options, info in options.treatAsCPU = !info.isCPU }
    }

  /// An OpenCL device once more, with counters and programs of its own.
  static func reopened(
    _ device: Device, _ change: (inout OpenCLOptions, OpenCLDeviceInfo) -> Void = { _, _ in }
  ) -> Device? {
    guard case .opencl(let index) = device.kind, let functions = OpenCLFunctions.loaded else { return nil }
    let info = OpenCLDevices.shared.found[index]
    var options = OpenCLOptions()
    change(&options, info)
    // A device that opens once must open twice.
    let backend = try! OpenCLBackend(info, functions: functions, options: options)
    let role = options.treatAsCPU.map { ", as a \($0 ? "CPU" : "GPU")" } ?? ""
    return Device(kind: device.kind, name: device.name + role, backend: backend)
  }
}
