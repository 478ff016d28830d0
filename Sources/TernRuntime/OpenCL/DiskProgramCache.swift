// SPDX-License-Identifier: MIT
import COpenCL

/// Compiled programs in the user's cache directory, for drivers that compile anew in each process.
///
/// A program is found by its source, its options, the device and its driver. Nothing here can fail: what is not found,
/// is damaged or is refused by the driver is compiled from its source as if there were no cache, and replaced.
struct DiskProgramCache: Sendable {
  /// `TERN_PROGRAM_CACHE`.
  enum Mode: String, Sendable, CaseIterable {
    /// Where the driver is not known to have a cache of its own.
    case auto
    case always, never
  }

  private let files: FileCache
  /// What a binary depends on beside its source and options.
  private let identity: [String]

  /// - Parameter root: the cache directory; nil where there is none.
  /// - Returns: nil where programs are not to be kept.
  init?(_ mode: Mode, for device: OpenCLDeviceInfo, in root: String?) {
    guard let root, mode == .always || (mode == .auto && !device.keepsPrograms) else { return nil }
    // The number is that of the format, to be raised when a key or a file means something else.
    files = FileCache(folder: root + "/programs", kind: "program", format: "tern program 1", limit: 256 << 20)
    identity = [device.platformName, device.vendor, device.name, device.version, device.driverVersion]
  }

  /// - Parameter name: the source's, for people who look into the folder.
  func key(_ source: String, options: String, called name: String) -> FileCache.Key {
    FileCache.Key(name, identity + [options, source])
  }

  func binary(for key: FileCache.Key) -> [UInt8]? { files.value(for: key) }
  func keep(_ binary: [UInt8], for key: FileCache.Key) { files.keep(binary, for: key) }
  /// Whether there is any use in asking the driver for a binary.
  var takesMore: Bool { files.takesMore }
}

extension OpenCLDeviceInfo {
  /// Whether the driver keeps compiled programs itself: PoCL, NVIDIA (`~/.nv/ComputeCache`) and Mesa's rusticl do.
  /// PoCL should not even be asked for binaries: it then compiles variants of every kernel that nobody needs.
  var keepsPrograms: Bool {
    // A simulator is for tests, whose programs are rarely the same twice.
    isSimulator || ["Portable Computing Language", "NVIDIA", "rusticl"].contains { platformName.contains($0) }
  }
}

extension ProgramCache {
  /// The program that is on disk; nil when there is none that the driver takes.
  func load(_ key: FileCache.Key, options: String) -> OpenCLObject? {
    guard let binary = disk?.binary(for: key) else { return nil }
    var devices: cl_device_id? = device.device.pointer
    var status = CL_SUCCESS
    let program = binary.withUnsafeBufferPointer { bytes in
      var length = bytes.count
      var start = bytes.baseAddress
      var isTaken = CL_SUCCESS  // says of each device what `status` says of all
      return call {
        $0.clCreateProgramWithBinary(context.pointer, 1, &devices, &length, &start, &isTaken, &status)
      }
    }
    guard let program else { return nil }
    if status == CL_SUCCESS { status = compile(program, options: options) }
    guard status == CL_SUCCESS else {
      call { _ = $0.clReleaseProgram(program) }
      return nil
    }
    return OpenCLObject(program)
  }

  /// Keeps a program that was compiled from its source; in vain where the driver gives no binary of it.
  func save(_ program: OpenCLObject, as key: FileCache.Key) {
    guard let disk, disk.takesMore else { return }
    func get<T: BitwiseCopyable>(_ parameter: cl_int, _ value: inout T) -> Bool {
      call {
        $0.clGetProgramInfo(program.pointer, cl_program_info(parameter), MemoryLayout<T>.size, &value, nil)
          == CL_SUCCESS
      }
    }
    // One number and one pointer, for the context has one device.
    var length = 0
    guard get(CL_PROGRAM_BINARY_SIZES, &length), length > 0 else { return }
    var binary = [UInt8](repeating: 0, count: length)
    let isThere = binary.withUnsafeMutableBufferPointer { bytes in
      var start = bytes.baseAddress
      return get(CL_PROGRAM_BINARIES, &start)
    }
    if isThere { disk.keep(binary, for: key) }
  }
}
