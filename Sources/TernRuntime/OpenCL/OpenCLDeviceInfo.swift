// SPDX-License-Identifier: MIT
import COpenCL

/// One device of one platform as its driver describes it; nothing is opened to find out.
struct OpenCLDeviceInfo: Sendable {
  let device: OpenCLObject
  let platformName: String
  let name: String
  let vendor: String
  let driverVersion: String
  let version: String
  let extensions: Set<String>
  let type: cl_device_type
  let globalMemoryBytes: Int
  let maxAllocationBytes: Int
  let localMemoryBytes: Int
  let computeUnits: Int
  let maxWorkGroupSize: Int
  /// Floats in a vector register. Not what the driver prefers to be given: that is 1 where the compiler joins
  /// work-items to vectors itself, as Intel's does, and says nothing of the registers.
  let nativeFloatVector: Int
  let clockMegahertz: Int
  /// Bytes that the arguments of one kernel may take together; at least 1,024.
  let maxParameterBytes: Int
  /// Whether `/` and `sqrt` can be asked to round correctly, as the CPU does.
  let roundsDivisionCorrectly: Bool

  /// Oclgrind's simulator reports itself as a CPU, a GPU and an accelerator at once.
  var isSimulator: Bool { name.contains("Oclgrind") }
  var isCPU: Bool { type & cl_device_type(CL_DEVICE_TYPE_CPU) != 0 && !isSimulator }
  var isGPU: Bool { type & cl_device_type(CL_DEVICE_TYPE_GPU) != 0 && !isSimulator }

  init(_ device: OpaquePointer, platformName: String, functions: OpenCLFunctions) {
    let cl = functions.table.pointee
    func text(_ parameter: cl_int) -> String {
      OpenCLDevices.text { cl.clGetDeviceInfo(device, cl_device_info(parameter), $0, $1, $2) }
    }
    // A driver that does not know a parameter leaves the 0.
    func number<T: FixedWidthInteger>(_ parameter: cl_int, _: T.Type) -> Int {
      var value: T = 0
      let status = cl.clGetDeviceInfo(device, cl_device_info(parameter), MemoryLayout<T>.size, &value, nil)
      return status == CL_SUCCESS ? Int(clamping: value) : 0
    }
    self.device = OpenCLObject(device)
    self.platformName = platformName
    name = text(CL_DEVICE_NAME)
    vendor = text(CL_DEVICE_VENDOR)
    driverVersion = text(CL_DRIVER_VERSION)
    version = text(CL_DEVICE_VERSION)
    extensions = Set(text(CL_DEVICE_EXTENSIONS).split(separator: " ").map(String.init))
    type = cl_device_type(number(CL_DEVICE_TYPE, cl_device_type.self))
    globalMemoryBytes = number(CL_DEVICE_GLOBAL_MEM_SIZE, cl_ulong.self)
    maxAllocationBytes = number(CL_DEVICE_MAX_MEM_ALLOC_SIZE, cl_ulong.self)
    localMemoryBytes = number(CL_DEVICE_LOCAL_MEM_SIZE, cl_ulong.self)
    computeUnits = max(1, number(CL_DEVICE_MAX_COMPUTE_UNITS, cl_uint.self))
    maxWorkGroupSize = max(1, number(CL_DEVICE_MAX_WORK_GROUP_SIZE, Int.self))
    nativeFloatVector = number(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, cl_uint.self)
    clockMegahertz = number(CL_DEVICE_MAX_CLOCK_FREQUENCY, cl_uint.self)
    maxParameterBytes = max(1024, number(CL_DEVICE_MAX_PARAMETER_SIZE, Int.self))
    roundsDivisionCorrectly =
      number(CL_DEVICE_SINGLE_FP_CONFIG, cl_device_fp_config.self) & Int(CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0
  }
}
