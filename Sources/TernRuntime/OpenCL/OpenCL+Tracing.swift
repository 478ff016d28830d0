// SPDX-License-Identifier: MIT
import COpenCL

extension OpenCLBackend {
  package func beginTrace(_ recorder: TraceRecorder) throws(TernError) {
    try queue.beginTrace(recorder) { () throws(TernError) in
      var status = CL_SUCCESS
      let queue = SimulatorThread.call(if: info.isSimulator) {
        cl.clCreateCommandQueue(
          context, deviceID, cl_command_queue_properties(CL_QUEUE_PROFILING_ENABLE), &status)
      }
      guard let queue, status == CL_SUCCESS else {
        throw TernError(
          .deviceFailure, "\(info.name): the driver gives no queue that takes the times of commands",
          remedy: "run without a trace", cause: OpenCLStatus.name(status))
      }
      return OpenCLObject(queue)
    }
  }

  package func endTrace(_ recorder: TraceRecorder) { queue.endTrace() }
}
