// SPDX-License-Identifier: MIT
// The OpenCL entry points that Tern uses, found at run time, so that a machine without OpenCL starts all the same.
#ifndef TERN_COPENCL_H
#define TERN_COPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS  // clCreateCommandQueue: the one that every driver since 1.0 has
#include <CL/cl.h>
#include <CL/cl_ext.h>

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
  X(clCreateProgramWithSource) \
  X(clBuildProgram)           \
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
  X(clWaitForEvents)          \
  X(clReleaseEvent)           \
  X(clFlush)                  \
  X(clFinish)

typedef struct tern_cl_table {
#define TERN_CL_FIELD(name) __typeof__(&name) name;
  TERN_CL_FUNCTIONS(TERN_CL_FIELD)
#undef TERN_CL_FIELD
} tern_cl_table;

/// The functions of the OpenCL library: `libOpenCL.so.1`, or the file that `TERN_OPENCL_LIBRARY` names. Loaded by the
/// first call, from any thread. Null when there is no such library or a function is missing from it.
const tern_cl_table *tern_cl_load(void);

/// Why `tern_cl_load` gave null, in the dynamic linker's words; empty if it did not.
const char *tern_cl_load_error(void);

/// Opens a library and finds `count` functions in it; for COpenCL and its sisters.
///
/// - `variable`: the environment variable that names another file than `library`.
/// - `failure`: takes the reason, at most `size` bytes, when the result is 0.
int tern_load_functions(
    const char *variable, const char *library, const char *const *names, void **functions, size_t count, char *failure,
    size_t size);

#endif
