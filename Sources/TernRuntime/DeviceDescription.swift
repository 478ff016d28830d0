// SPDX-License-Identifier: MIT
import CTernCPU
import Foundation

/// What is known of a device without opening it: what `tern devices` lists.
public struct DeviceDescription: Sendable, Codable, Equatable {
  /// `cpu` or `opencl:N`, as `Device.named` reads it.
  public let id: String
  /// The name that the driver reports, or the processor's.
  public let name: String
  /// The OpenCL platform; `CPU` for the CPU.
  public let platform: String
  /// The maker that the driver reports; empty for the CPU.
  public let vendor: String
  /// The driver's version; for the CPU the instruction set in use.
  public let driver: String
  /// The OpenCL version of the device; empty for the CPU.
  public let version: String
  /// `cpu`, `gpu`, `accelerator` or `simulator`.
  public let type: String
  /// All memory of the device in bytes; that of the machine for the CPU.
  public let memoryBytes: Int
  /// The largest single block.
  public let maxAllocationBytes: Int
  /// Memory that a work-group shares, in bytes; 0 for the CPU.
  public let localMemoryBytes: Int
  /// OpenCL's compute units; for the CPU the threads in use.
  public let computeUnits: Int
  /// The most work-items of a group; 1 for the CPU.
  public let maxWorkGroupSize: Int
  /// The highest clock that the driver reports, in MHz; 0 for the CPU.
  public let clockMegahertz: Int
  /// Whether the device computes in half precision; all devices store it.
  public let supportsHalf: Bool

  /// The CPU, then all OpenCL devices. Opens and compiles nothing.
  public static let all: [DeviceDescription] =
    [cpu] + OpenCLDevices.shared.found.enumerated().map { DeviceDescription($1, index: $0) }

  private static var cpu: DeviceDescription {
    let memory = Int(ProcessInfo.processInfo.physicalMemory)
    return DeviceDescription(
      id: "cpu", name: Device.cpu.name, platform: "CPU", vendor: "",
      driver: String(cString: tern_isa_name(tern_isa_chosen())), version: "", type: "cpu", memoryBytes: memory,
      maxAllocationBytes: memory, localMemoryBytes: 0, computeUnits: ThreadPool.shared.threadCount,
      maxWorkGroupSize: 1, clockMegahertz: 0, supportsHalf: false)
  }

  private init(
    id: String, name: String, platform: String, vendor: String, driver: String, version: String, type: String,
    memoryBytes: Int, maxAllocationBytes: Int, localMemoryBytes: Int, computeUnits: Int, maxWorkGroupSize: Int,
    clockMegahertz: Int, supportsHalf: Bool
  ) {
    self.id = id
    self.name = name
    self.platform = platform
    self.vendor = vendor
    self.driver = driver
    self.version = version
    self.type = type
    self.memoryBytes = memoryBytes
    self.maxAllocationBytes = maxAllocationBytes
    self.localMemoryBytes = localMemoryBytes
    self.computeUnits = computeUnits
    self.maxWorkGroupSize = maxWorkGroupSize
    self.clockMegahertz = clockMegahertz
    self.supportsHalf = supportsHalf
  }

  init(_ info: OpenCLDeviceInfo, index: Int) {
    self.init(
      id: "opencl:\(index)", name: info.name, platform: info.platformName, vendor: info.vendor,
      driver: info.driverVersion, version: info.version,
      type: info.isSimulator ? "simulator" : info.isGPU ? "gpu" : info.isCPU ? "cpu" : "accelerator",
      memoryBytes: info.globalMemoryBytes, maxAllocationBytes: info.maxAllocationBytes,
      localMemoryBytes: info.localMemoryBytes, computeUnits: info.computeUnits,
      maxWorkGroupSize: info.maxWorkGroupSize, clockMegahertz: info.clockMegahertz,
      supportsHalf: info.extensions.contains("cl_khr_fp16"))
  }
}
