// SPDX-License-Identifier: MIT
import Foundation

/// Something that computes: the CPU, or one OpenCL device.
///
/// Operations run where their inputs are; mixing devices traps. The default device is where new tensors are made.
public final class Device: Sendable {
  /// The CPU, or one of the OpenCL devices.
  public enum Kind: Sendable, Hashable {
    /// The processor, without OpenCL.
    case cpu
    /// The device's position in the list over all OpenCL platforms.
    case opencl(Int)
  }

  /// What computes; an OpenCL device by its position in the list.
  public let kind: Kind
  /// The name that the driver reports, or the processor's.
  public let name: String
  package let backend: any Backend

  init(kind: Kind, name: String, backend: any Backend) {
    self.kind = kind
    self.name = name
    self.backend = backend
  }

  /// The CPU; always there.
  public static let cpu = Device(
    kind: .cpu, name: CPUBackend.processorName, backend: CPUBackend(recordsProblems: true))

  /// The OpenCL device at a position of the list that `tern devices` prints.
  ///
  /// - Throws: `TernError` with code `noDevice` when there is no such device, or the driver refuses a context.
  public static func opencl(_ index: Int = 0) throws -> Device { try OpenCLDevices.shared.device(index) }

  /// The CPU, then every OpenCL device that can be opened.
  public static var all: [Device] { [.cpu] + OpenCLDevices.shared.usable }

  /// The device called `cpu`, `opencl` or `opencl:N`.
  public static func named(_ text: String) throws -> Device {
    if text == "cpu" { return .cpu }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    if parts.first == "opencl", parts.count <= 2 {
      if parts.count == 1 { return try opencl(0) }
      if let index = Int(parts[1]), index >= 0 { return try opencl(index) }
    }
    throw TernError(
      .noDevice, "unknown device '\(text)'", remedy: "use cpu, opencl or opencl:N; `tern devices` lists them")
  }

  /// Where new tensors are made unless `withDevice` says otherwise: `TERN_DEVICE` if set, else the first OpenCL GPU,
  /// else the CPU. OpenCL CPU devices and simulators are used only when asked for by name.
  public static let `default`: Device = {
    if let text = ProcessInfo.processInfo.environment["TERN_DEVICE"], !text.isEmpty {
      do { return try named(text) } catch { trap("TERN_DEVICE: \(error)") }
    }
    return OpenCLDevices.shared.firstGPU ?? .cpu
  }()

  /// Waits until all work given to the device is done.
  ///
  /// - Throws: what went wrong in it since the last wait.
  public func synchronize() throws { try backend.synchronize() }

  /// Memory that Tern holds on the device.
  public var memory: MemoryUse { backend.memory }

  /// Counters since the process started.
  public var statistics: Statistics { backend.statistics }

  /// Gives memory that no tensor uses back to the driver.
  public func emptyPool() { backend.emptyPool() }
}

extension Device: Hashable {
  public static func == (a: Device, b: Device) -> Bool { a === b }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension Device: CustomStringConvertible {
  /// `cpu` or `opencl:N`, as `Device.named` reads it.
  public var description: String {
    switch kind {
    case .cpu: "cpu"
    case .opencl(let index): "opencl:\(index)"
    }
  }
}
