// SPDX-License-Identifier: MIT
import Foundation

@testable import TernRuntime

/// The devices that golden cases run on.
enum TestDevices {
  /// Each device, and each OpenCL device once more with the kernels that it would not get: a CPU device runs the GPUs'
  /// kernels too, and the other way round.
  static let all: [Device] = Device.all + Device.all.compactMap(withOtherKernels)

  private static func withOtherKernels(_ device: Device) -> Device? {
    guard case .opencl(let index) = device.kind, let functions = OpenCLFunctions.loaded else { return nil }
    let info = OpenCLDevices.shared.found[index]
    let options = OpenCLOptions(treatAsCPU: !info.isCPU)
    // A device that opens once must open twice.
    let backend = try! OpenCLBackend(info, functions: functions, options: options)
    return Device(kind: device.kind, name: "\(device.name), as a \(info.isCPU ? "GPU" : "CPU")", backend: backend)
  }
}
