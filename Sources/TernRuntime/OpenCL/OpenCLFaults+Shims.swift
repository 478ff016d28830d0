// SPDX-License-Identifier: MIT
import COpenCL

/// By its name: in a closure that becomes a C function nothing may be captured, not even the type as `self`.
private typealias Faults = OpenCLFaults

/// One shim for each function of the table; their types come from the table, so none can have a wrong parameter. A test
/// sees to it that none is missing.
extension OpenCLFaults {
  /// The functions of the table, in its order.
  package static let functions: [String] = (0...).lazy.map { tern_cl_function_name($0) }.prefix { $0 != nil }
    .map { String(cString: $0!) }

  static func intercept(_ table: inout tern_cl_table) {
    interceptDiscovery(&table)
    interceptPrograms(&table)
    interceptCommands(&table)
    interceptWaits(&table)
  }

  private static func interceptDiscovery(_ table: inout tern_cl_table) {
    table.clGetPlatformIDs = { Faults.strike("clGetPlatformIDs") ?? Faults.real.clGetPlatformIDs($0, $1, $2) }
    table.clGetPlatformInfo = {
      Faults.strike("clGetPlatformInfo") ?? Faults.real.clGetPlatformInfo($0, $1, $2, $3, $4)
    }
    table.clGetDeviceIDs = { Faults.strike("clGetDeviceIDs") ?? Faults.real.clGetDeviceIDs($0, $1, $2, $3, $4) }
    table.clGetDeviceInfo = { Faults.strike("clGetDeviceInfo") ?? Faults.real.clGetDeviceInfo($0, $1, $2, $3, $4) }
    table.clCreateContext = {
      Faults.strike("clCreateContext", $5)
        ? nil : Faults.made(.context, Faults.real.clCreateContext($0, $1, $2, $3, $4, $5))
    }
    table.clReleaseContext = { Faults.released(.context, "clReleaseContext", Faults.real.clReleaseContext($0)) }
    table.clCreateCommandQueue = {
      Faults.strike("clCreateCommandQueue", $3)
        ? nil : Faults.made(.queue, Faults.real.clCreateCommandQueue($0, $1, $2, $3))
    }
    table.clReleaseCommandQueue = {
      Faults.released(.queue, "clReleaseCommandQueue", Faults.real.clReleaseCommandQueue($0))
    }
    table.clCreateBuffer = {
      Faults.strike("clCreateBuffer", $4) ? nil : Faults.made(.buffer, Faults.real.clCreateBuffer($0, $1, $2, $3, $4))
    }
    table.clReleaseMemObject = { Faults.released(.buffer, "clReleaseMemObject", Faults.real.clReleaseMemObject($0)) }
    table.clSetMemObjectDestructorCallback = {
      Faults.strike("clSetMemObjectDestructorCallback") ?? Faults.real.clSetMemObjectDestructorCallback($0, $1, $2)
    }
  }

  private static func interceptPrograms(_ table: inout tern_cl_table) {
    table.clCreateProgramWithSource = {
      Faults.strike("clCreateProgramWithSource", $4)
        ? nil : Faults.made(.program, Faults.real.clCreateProgramWithSource($0, $1, $2, $3, $4))
    }
    table.clCreateProgramWithBinary = {
      Faults.strike("clCreateProgramWithBinary", $6)
        ? nil : Faults.made(.program, Faults.real.clCreateProgramWithBinary($0, $1, $2, $3, $4, $5, $6))
    }
    table.clBuildProgram = { Faults.strike("clBuildProgram") ?? Faults.real.clBuildProgram($0, $1, $2, $3, $4, $5) }
    table.clGetProgramInfo = { Faults.strike("clGetProgramInfo") ?? Faults.real.clGetProgramInfo($0, $1, $2, $3, $4) }
    table.clGetProgramBuildInfo = {
      Faults.strike("clGetProgramBuildInfo") ?? Faults.real.clGetProgramBuildInfo($0, $1, $2, $3, $4, $5)
    }
    table.clReleaseProgram = { Faults.released(.program, "clReleaseProgram", Faults.real.clReleaseProgram($0)) }
    table.clCreateKernel = {
      Faults.strike("clCreateKernel", $2) ? nil : Faults.made(.kernel, Faults.real.clCreateKernel($0, $1, $2))
    }
    table.clGetKernelWorkGroupInfo = {
      Faults.strike("clGetKernelWorkGroupInfo") ?? Faults.real.clGetKernelWorkGroupInfo($0, $1, $2, $3, $4, $5)
    }
    table.clSetKernelArg = { Faults.strike("clSetKernelArg") ?? Faults.real.clSetKernelArg($0, $1, $2, $3) }
    table.clReleaseKernel = { Faults.released(.kernel, "clReleaseKernel", Faults.real.clReleaseKernel($0)) }
  }

  private static func interceptCommands(_ table: inout tern_cl_table) {
    table.clEnqueueNDRangeKernel = {
      Faults.strike("clEnqueueNDRangeKernel")
        ?? Faults.made($8, Faults.real.clEnqueueNDRangeKernel($0, $1, $2, $3, $4, $5, $6, $7, $8))
    }
    table.clEnqueueReadBuffer = {
      Faults.strike("clEnqueueReadBuffer")
        ?? Faults.made($8, Faults.real.clEnqueueReadBuffer($0, $1, $2, $3, $4, $5, $6, $7, $8))
    }
    table.clEnqueueWriteBuffer = {
      Faults.strike("clEnqueueWriteBuffer")
        ?? Faults.made($8, Faults.real.clEnqueueWriteBuffer($0, $1, $2, $3, $4, $5, $6, $7, $8))
    }
    table.clEnqueueCopyBuffer = {
      Faults.strike("clEnqueueCopyBuffer")
        ?? Faults.made($8, Faults.real.clEnqueueCopyBuffer($0, $1, $2, $3, $4, $5, $6, $7, $8))
    }
    table.clEnqueueFillBuffer = {
      Faults.strike("clEnqueueFillBuffer")
        ?? Faults.made($8, Faults.real.clEnqueueFillBuffer($0, $1, $2, $3, $4, $5, $6, $7, $8))
    }
    table.clEnqueueMarkerWithWaitList = {
      Faults.strike("clEnqueueMarkerWithWaitList")
        ?? Faults.made($3, Faults.real.clEnqueueMarkerWithWaitList($0, $1, $2, $3))
    }
  }

  private static func interceptWaits(_ table: inout tern_cl_table) {
    table.clSetEventCallback = { Faults.strike("clSetEventCallback") ?? Faults.real.clSetEventCallback($0, $1, $2, $3) }
    table.clGetEventInfo = { Faults.strike("clGetEventInfo") ?? Faults.real.clGetEventInfo($0, $1, $2, $3, $4) }
    table.clGetEventProfilingInfo = {
      Faults.strike("clGetEventProfilingInfo") ?? Faults.real.clGetEventProfilingInfo($0, $1, $2, $3, $4)
    }
    table.clRetainEvent = { Faults.strike("clRetainEvent") ?? Faults.retained(.event, Faults.real.clRetainEvent($0)) }
    table.clWaitForEvents = { Faults.strike("clWaitForEvents") ?? Faults.real.clWaitForEvents($0, $1) }
    table.clReleaseEvent = { Faults.released(.event, "clReleaseEvent", Faults.real.clReleaseEvent($0)) }
    table.clFlush = { Faults.strike("clFlush") ?? Faults.real.clFlush($0) }
    table.clFinish = { Faults.strike("clFinish") ?? Faults.real.clFinish($0) }
  }
}
