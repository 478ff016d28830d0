// SPDX-License-Identifier: MIT
import CTernCPU
import TernKernels

/// What a measured choice depends on beside the problem: measurements of one identity say nothing about another.
package struct DeviceIdentity: Sendable, Hashable, Codable {
  package let name: String
  let platform: String
  /// The driver's version; for the CPU the instruction set and the number of threads.
  let driver: String
  /// Hash of the embedded kernels, or the generation of the CPU's algorithms.
  let kernels: String

  /// The same device whatever its driver and our kernels: problems met are kept by it.
  var device: UInt64 { stableHash(name, platform) }
  var hash: UInt64 { stableHash(name, platform, driver, kernels) }

  init(_ info: OpenCLDeviceInfo, isCPUDevice: Bool) {
    // Tests run a CPU device with the kernels for GPUs.
    let role = isCPUDevice == info.isCPU ? "" : isCPUDevice ? " as a CPU" : " as a GPU"
    name = info.name + role
    platform = info.platformName
    driver = "\(info.driverVersion), \(info.version), \(info.computeUnits) units"
    kernels = hexadecimal(tern_kernel_hash())
  }

  /// Raised when the CPU's algorithms change so much that old measurements mislead.
  private static let cpuGeneration = 1

  init(processor: String, isa: tern_isa, threads: Int) {
    name = processor
    platform = "CPU"
    driver = "\(String(cString: tern_isa_name(isa))), \(threads) threads"
    kernels = "generation \(Self.cpuGeneration)"
  }

  init(name: String, platform: String, driver: String, kernels: String) {
    (self.name, self.platform, self.driver, self.kernels) = (name, platform, driver, kernels)
  }
}
