// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// What the OpenCL suites share: the devices of this machine, and host arrays on them.
enum OpenCLSupport {
  static let devices: [Device] = OpenCLDevices.shared.usable
  /// The first device that is the host's CPU.
  static let hostCPU = OpenCLDevices.shared.found.firstIndex(where: \.isCPU)
  static let isAvailable = !devices.isEmpty
  static let skipped: Comment = "skipped: no OpenCL device here (install pocl-opencl-icd to have one)"

  static func backend(_ device: Device) -> OpenCLBackend { device.backend as! OpenCLBackend }

  /// A backend of its own for one test, so that its failures and counters touch no other.
  static func privateBackend(
    functions: OpenCLFunctions = OpenCLFunctions.loaded!, options: OpenCLOptions = OpenCLOptions(), index: Int = 0
  ) throws -> OpenCLBackend {
    try OpenCLBackend(OpenCLDevices.shared.found[index], functions: functions, options: options)
  }
}

extension Backend {
  /// A block that holds the array.
  func storage<T>(of array: [T]) -> Storage {
    let storage = allocate(byteCount: max(1, array.count * MemoryLayout<T>.stride))
    array.withUnsafeBytes { upload($0, to: storage, byteOffset: 0) }
    return storage
  }

  /// The first elements of a block.
  func array<T>(_: T.Type, _ count: Int, from storage: Storage) throws -> [T] {
    try [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      try download(storage, byteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
      initialized = count
    }
  }
}
