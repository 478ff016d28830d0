// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import TernRuntime

/// Devices that fail under the tool: one line that says what, and the exit code of a failure.
@Suite(.enabled(if: !OpenCLDevices.shared.usable.isEmpty, "skipped: no OpenCL device here"))
struct DeviceFailureTests {
  @Test(arguments: [
    (["TERN_FAULT": "clEnqueueNDRangeKernel:40:-36"], "CL_INVALID_COMMAND_QUEUE"),
    (["TERN_FAULT": "*:900+:-36"], "CL_INVALID_COMMAND_QUEUE"),
    // A program that is on disk and that the driver refuses is compiled anew, which would get over the fault.
    (["TERN_FAULT": "clBuildProgram:2:-11", "TERN_PROGRAM_CACHE": "never"], "did not compile"),
    (["TERN_FAULT": "clCreateCommandQueue:1:-6"], "clCreateCommandQueue failed"),
    (["TERN_MEMORY_LIMIT": "300K"], "TERN_MEMORY_LIMIT allows 307200"),
  ]) func trainingEndsWithOneLine(_ environment: [String: String], _ reason: String) throws {
    let outcome = try Tool.run(
      ["train", "mlp", "--limit", "2000", "--epochs", "1", "--device", "opencl:0"], environment: environment)
    #expect(outcome.status == 1 && !outcome.crashed, "\(outcome.error)")
    let last = try #require(outcome.errorLines.last)
    #expect(last.hasPrefix("tern: ") && last.contains(reason), "\(outcome.error)")
    #expect(outcome.output.isEmpty)
  }
}
