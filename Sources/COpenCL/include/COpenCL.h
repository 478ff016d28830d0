// SPDX-License-Identifier: MIT
// The OpenCL entry points that Tern uses, found at run time, so that a machine without OpenCL starts all the same.
#ifndef TERN_COPENCL_H
#define TERN_COPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS  // clCreateCommandQueue: the one that every driver since 1.0 has
#include <CL/cl.h>
#include <CL/cl_ext.h>

#include "tern_library.h"

// The list is the only place where a function is named; its type comes from the official header.
#define TERN_CL_FUNCTIONS(X)  \
  X(clGetPlatformIDs)         \
  X(clGetPlatformInfo)        \
  X(clGetDeviceIDs)           \
  X(clGetDeviceInfo)          \
  X(clCreateContext)          \
  X(clReleaseContext)         \
  X(clCreateCommandQueue)     \
  X(clReleaseCommandQueue)    \
  X(clCreateBuffer)           \
  X(clReleaseMemObject)       \
  X(clSetMemObjectDestructorCallback) \
  X(clCreateProgramWithSource) \
  X(clCreateProgramWithBinary) \
  X(clBuildProgram)           \
  X(clGetProgramInfo)         \
  X(clGetProgramBuildInfo)    \
  X(clReleaseProgram)         \
  X(clCreateKernel)           \
  X(clGetKernelWorkGroupInfo) \
  X(clSetKernelArg)           \
  X(clReleaseKernel)          \
  X(clEnqueueNDRangeKernel)   \
  X(clEnqueueReadBuffer)      \
  X(clEnqueueWriteBuffer)     \
  X(clEnqueueCopyBuffer)      \
  X(clEnqueueFillBuffer)      \
  X(clEnqueueMarkerWithWaitList) \
  X(clSetEventCallback)       \
  X(clGetEventInfo)           \
  X(clGetEventProfilingInfo)  \
  X(clRetainEvent)            \
  X(clWaitForEvents)          \
  X(clReleaseEvent)           \
  X(clFlush)                  \
  X(clFinish)

TERN_TABLE(tern_cl, TERN_CL_FUNCTIONS)

/// The functions of the OpenCL library: `libOpenCL.so.1`, or the file that `TERN_OPENCL_LIBRARY` names. Loaded by the
/// first call, from any thread. Null when there is no such library or a function is missing from it.
const tern_cl_table *tern_cl_load(void);

/// Why `tern_cl_load` gave null, in the dynamic linker's words; empty if it did not.
const char *tern_cl_load_error(void);

/// The name of the function at a place of the table; null behind the last one.
static inline const char *tern_cl_function_name(size_t place) {
#define TERN_CL_NAME(name) #name,
  static const char *const names[] = {TERN_CL_FUNCTIONS(TERN_CL_NAME)};
#undef TERN_CL_NAME
  return place < sizeof names / sizeof *names ? names[place] : NULL;
}

#endif
