// SPDX-License-Identifier: MIT
import COpenCL
import Foundation
import Testing

@testable import TernRuntime

@Suite struct OpenCLFaultPlanTests {
  typealias Plan = OpenCLFaults.Plan

  @Test(arguments: [
    ("clEnqueueNDRangeKernel:3:-5", Plan("clEnqueueNDRangeKernel", call: 3, .status(-5))),
    ("clFlush:1+:-36", Plan("clFlush", lasts: true, .status(-36))),
    ("*:57+:-2", Plan(nil, call: 57, lasts: true, .status(-2))),
    ("clFinish:2:crash", Plan("clFinish", call: 2, .crash)), ("*:1:hang", Plan(nil, .hang)),
  ]) func textIsAPlan(_ text: String, _ plan: Plan) {
    #expect(Plan(text) == plan)
  }

  @Test(arguments: [
    "", "clFlush", "clFlush:1", "clNothing:1:-5", "clFlush:0:-5", "clFlush:-1:-5", "clFlush:+:-5", "clFlush:1:0",
    "clFlush:1:5", "clFlush:1:boom", "clFlush:1:-5:x", ":1:-5",
  ]) func otherTextIsNone(_ text: String) {
    #expect(Plan(text) == nil)
  }

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped)) func everyFunctionHasAShim() {
    func words(_ functions: OpenCLFunctions) -> [UInt] {
      withUnsafeBytes(of: functions.table.pointee) { Array($0.bindMemory(to: UInt.self)) }
    }
    let real = OpenCLFunctions(table: tern_cl_load())
    let names = OpenCLFaults.functions
    let pairs = zip(words(real), words(OpenCLFaults.failing(real)))
    #expect(words(real).count == names.count)
    #expect(zip(names, pairs).filter { $1.0 == $1.1 }.map(\.0) == [])
  }

  @Test(.enabled(if: OpenCLFunctions.loaded != nil, "skipped: no OpenCL loader here"))
  func unknownFaultInTheEnvironmentTraps() async {
    await #expect(processExitsWith: .failure) {
      setenv("TERN_FAULT", "clNothing:1:-5", 1)
      _ = OpenCLFunctions.loaded
    }
  }
}
