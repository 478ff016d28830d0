// SPDX-License-Identifier: MIT
import COpenCL

/// All OpenCL devices of all platforms, opened on first use.
package final class OpenCLDevices: Sendable {
  package static let shared = OpenCLDevices(OpenCLFunctions.loaded)

  /// In the order of the platforms; a device's place here is its `N` in `opencl:N`.
  let found: [OpenCLDeviceInfo]
  private let functions: OpenCLFunctions?
  private let opened = Lock<[Int: Result<Device, TernError>]>([:])

  init(_ functions: OpenCLFunctions?) {
    self.functions = functions
    found = functions.map(Self.enumerate) ?? []
  }

  /// The device at a place of the list, opened now if nobody has used it yet.
  package func device(_ index: Int) throws -> Device {
    guard let functions else {
      throw TernError(
        .noDevice, "no OpenCL device \(index): the OpenCL loader is missing",
        remedy: "install an OpenCL loader (Debian: ocl-icd-libopencl1), or use the device cpu",
        cause: String(cString: tern_cl_load_error()))
    }
    guard found.indices.contains(index) else {
      let count = found.count == 1 ? "is 1 device" : "are \(found.count) devices"
      throw TernError(
        .noDevice, "no OpenCL device \(index): there \(count)",
        remedy: found.isEmpty
          ? "`tern doctor` looks for the reason; pocl-opencl-icd makes a device of the CPU"
          : "`tern devices` lists what there is")
    }
    return try opened.withLock { opened in
      if let known = opened[index] { return known }
      let result: Result<Device, TernError>
      do throws(TernError) {
        let options = try OpenCLOptions.configured()
        let backend = try OpenCLBackend(found[index], functions: functions, options: options)
        result = .success(Device(kind: .opencl(index), name: found[index].name, backend: backend))
      } catch {
        result = .failure(error)
      }
      opened[index] = result
      return result
    }.get()
  }

  /// Those that can be opened.
  package var usable: [Device] { found.indices.compactMap { try? device($0) } }

  /// The first GPU that can be opened; never a CPU device or a simulator.
  package var firstGPU: Device? {
    for index in found.indices where found[index].isGPU {
      if let device = try? device(index) { return device }
    }
    return nil
  }

  // MARK: Discovery

  private static func enumerate(_ functions: OpenCLFunctions) -> [OpenCLDeviceInfo] {
    let cl = functions.table.pointee
    var seen = Set<[String]>()
    var devices: [OpenCLDeviceInfo] = []
    // A loader without platforms fails with CL_PLATFORM_NOT_FOUND_KHR instead of counting 0.
    for platform in list({ cl.clGetPlatformIDs($0, $1, $2) }) {
      func text(_ parameter: cl_int) -> String {
        Self.text { cl.clGetPlatformInfo(platform, cl_platform_info(parameter), $0, $1, $2) }
      }
      let name = text(CL_PLATFORM_NAME)
      let here = list { cl.clGetDeviceIDs(platform, cl_device_type(CL_DEVICE_TYPE_ALL), $0, $1, $2) }
        .map { OpenCLDeviceInfo($0, platformName: name, functions: functions) }
      // The same driver registered twice shows up as two platforms that differ in nothing.
      let identity = [name, text(CL_PLATFORM_VERSION)] + here.map { $0.name + $0.driverVersion }
      if seen.insert(identity).inserted { devices += here }
    }
    return devices
  }

  /// Objects from a call that is asked for the count first and then for the list.
  private static func list(
    _ call: (cl_uint, UnsafeMutablePointer<OpaquePointer?>?, UnsafeMutablePointer<cl_uint>?) -> cl_int
  ) -> [OpaquePointer] {
    var count: cl_uint = 0
    guard call(0, nil, &count) == CL_SUCCESS, count > 0 else { return [] }
    var objects = [OpaquePointer?](repeating: nil, count: Int(count))
    guard call(count, &objects, nil) == CL_SUCCESS else { return [] }
    return objects.compactMap { $0 }
  }

  /// A string from one of the `clGet…Info` calls, empty when it fails.
  static func text(_ call: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int) -> String {
    var size = 0
    guard call(0, nil, &size) == CL_SUCCESS, size > 0 else { return "" }
    var bytes = [UInt8](repeating: 0, count: size)
    guard call(size, &bytes, nil) == CL_SUCCESS else { return "" }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
