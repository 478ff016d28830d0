// SPDX-License-Identifier: MIT
import COpenCL

/// What OpenCL calls give back: 0, or one of the negative codes of `CL/cl.h`.
enum OpenCLStatus {
  private static let names: [cl_int: String] = [
    CL_DEVICE_NOT_FOUND: "CL_DEVICE_NOT_FOUND",
    CL_DEVICE_NOT_AVAILABLE: "CL_DEVICE_NOT_AVAILABLE",
    CL_COMPILER_NOT_AVAILABLE: "CL_COMPILER_NOT_AVAILABLE",
    CL_MEM_OBJECT_ALLOCATION_FAILURE: "CL_MEM_OBJECT_ALLOCATION_FAILURE",
    CL_OUT_OF_RESOURCES: "CL_OUT_OF_RESOURCES",
    CL_OUT_OF_HOST_MEMORY: "CL_OUT_OF_HOST_MEMORY",
    CL_MEM_COPY_OVERLAP: "CL_MEM_COPY_OVERLAP",
    CL_BUILD_PROGRAM_FAILURE: "CL_BUILD_PROGRAM_FAILURE",
    CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST: "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
    CL_INVALID_VALUE: "CL_INVALID_VALUE",
    CL_INVALID_DEVICE: "CL_INVALID_DEVICE",
    CL_INVALID_CONTEXT: "CL_INVALID_CONTEXT",
    CL_INVALID_COMMAND_QUEUE: "CL_INVALID_COMMAND_QUEUE",
    CL_INVALID_MEM_OBJECT: "CL_INVALID_MEM_OBJECT",
    CL_INVALID_BINARY: "CL_INVALID_BINARY",
    CL_INVALID_BUILD_OPTIONS: "CL_INVALID_BUILD_OPTIONS",
    CL_INVALID_PROGRAM: "CL_INVALID_PROGRAM",
    CL_INVALID_PROGRAM_EXECUTABLE: "CL_INVALID_PROGRAM_EXECUTABLE",
    CL_INVALID_KERNEL_NAME: "CL_INVALID_KERNEL_NAME",
    CL_INVALID_KERNEL: "CL_INVALID_KERNEL",
    CL_INVALID_ARG_INDEX: "CL_INVALID_ARG_INDEX",
    CL_INVALID_ARG_VALUE: "CL_INVALID_ARG_VALUE",
    CL_INVALID_ARG_SIZE: "CL_INVALID_ARG_SIZE",
    CL_INVALID_KERNEL_ARGS: "CL_INVALID_KERNEL_ARGS",
    CL_INVALID_WORK_DIMENSION: "CL_INVALID_WORK_DIMENSION",
    CL_INVALID_WORK_GROUP_SIZE: "CL_INVALID_WORK_GROUP_SIZE",
    CL_INVALID_WORK_ITEM_SIZE: "CL_INVALID_WORK_ITEM_SIZE",
    CL_INVALID_GLOBAL_OFFSET: "CL_INVALID_GLOBAL_OFFSET",
    CL_INVALID_EVENT: "CL_INVALID_EVENT",
    CL_INVALID_OPERATION: "CL_INVALID_OPERATION",
    CL_INVALID_BUFFER_SIZE: "CL_INVALID_BUFFER_SIZE",
    CL_INVALID_GLOBAL_WORK_SIZE: "CL_INVALID_GLOBAL_WORK_SIZE",
    CL_PLATFORM_NOT_FOUND_KHR: "CL_PLATFORM_NOT_FOUND_KHR",
  ]

  static func name(_ status: cl_int) -> String {
    names[status].map { "\($0), \(status)" } ?? "OpenCL status \(status)"
  }

  /// Whether more free memory could cure the failure. Drivers that back buffers only when they are used report it at
  /// the launch, NVIDIA's as CL_OUT_OF_RESOURCES.
  static func isOutOfMemory(_ status: cl_int) -> Bool {
    status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_RESOURCES || status == CL_OUT_OF_HOST_MEMORY
      || status == CL_INVALID_BUFFER_SIZE
  }
}

/// An OpenCL object: device, context, queue, buffer, program, kernel or event.
///
/// Sendable: OpenCL's calls are safe from any thread (specification, appendix A.2), but for `clSetKernelArg`, which is
/// only called with the queue's lock held.
struct OpenCLObject: @unchecked Sendable, Hashable {
  let pointer: OpaquePointer
  init(_ pointer: OpaquePointer) { self.pointer = pointer }
}

/// The functions of an OpenCL library.
///
/// Sendable: written once while it is loaded (or before a test hands it over), and only read from then on.
struct OpenCLFunctions: @unchecked Sendable {
  let table: UnsafePointer<tern_cl_table>

  /// Those of the machine's library; nil when there is none.
  static let loaded: OpenCLFunctions? = tern_cl_load().map { table in
    guard let plan = OpenCLFaults.fromEnvironment else { return OpenCLFunctions(table: table) }
    OpenCLFaults.begin(plan)
    return OpenCLFaults.failing(OpenCLFunctions(table: table))
  }
}
