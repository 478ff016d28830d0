// SPDX-License-Identifier: MIT
import COpenCL
import Foundation
import Testing

@testable import TernRuntime

/// Events of OpenCL behind traces, in processes of their own, since living objects are counted for the process.
@Suite(.serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct LaunchTraceTests {
  private static func open() throws -> (device: Device, functions: OpenCLFunctions) {
    let functions = OpenCLFaults.failing(OpenCLFunctions.loaded!)
    let backend = try OpenCLSupport.privateBackend(functions: functions)
    return (Device(kind: .opencl(0), name: "", backend: backend), functions)
  }

  private static func work(_ device: Device, _ count: Int = 3) throws -> [Float] {
    let backend = device.backend
    let x = StridedView(backend.storage(of: [1, 2, 3] as [Float]), .float32, shape: [3])
    let program = PointwiseProgram(
      inputs: [.float32], instructions: [.init(.add, 0, 0)], outputs: [.init(register: 1, dtype: .float32)])
    for _ in 0..<count { backend.pointwise(program, [PointwiseOperands(inputs: [x], outputs: [x])]) }
    return try backend.array(Float.self, 3, from: x.storage)
  }

  @Test func eventsAreNotMadeWithoutATraceAndReleasedAfterOne() async {
    await #expect(processExitsWith: .success) {
      var device: Device? = try Self.open().device
      _ = try Self.work(device!)
      OpenCLFaults.begin(nil)
      _ = try Self.work(device!, 100)
      // Without a trace nobody asks for times or further references, and the queue is the one and only.
      for function in ["clGetEventProfilingInfo", "clRetainEvent", "clCreateCommandQueue"] {
        check(OpenCLFaults.calls[function] == nil, function)
      }
      check(OpenCLFaults.living[.event] == 0 && OpenCLFaults.living[.queue] == 1, "\(OpenCLFaults.living)")
      let markers = 4  // that the queue keeps open, so that the host does not run too far ahead
      let trace = try device!.trace {
        _ = try Self.work(device!, 3000)
        check(OpenCLFaults.living[.event]! <= markers, "a wait leaves events of what is done")
        for _ in 0..<20_000 { _ = device!.backend.storage(of: [1] as [Float]) }
        let living = OpenCLFaults.living[.event]!
        check(living < 8192, "\(living) events pile up")
      }
      check(trace.launches == 3000 && trace.events.count == 23_002, "\(trace.events.count)")
      for _ in 0..<3 { _ = try device!.trace { _ = try Self.work(device!) } }
      check(
        OpenCLFaults.living[.event]! <= markers && OpenCLFaults.living[.queue] == 2, "\(OpenCLFaults.living)")
      device = nil
      check(OpenCLFaults.living.allSatisfy { $0.value == 0 }, "\(OpenCLFaults.living)")
    }
  }

  @Test func everyCallOfATraceMayFail() async {
    await #expect(processExitsWith: .success) {
      var device: Device? = try Self.open().device
      let expected = try Self.work(device!)
      OpenCLFaults.begin(nil)
      let whole = try device!.trace { _ = try Self.work(device!) }
      let calls = OpenCLFaults.calls
      for function in ["clGetEventProfilingInfo", "clRetainEvent", "clEnqueueMarkerWithWaitList"] {
        for call in 1...max(1, calls[function]!) {
          OpenCLFaults.begin(OpenCLFaults.Plan(function, call: call, .status(-5)))
          // A trace may miss events, but the work must not suffer.
          let trace = try device!.trace { check(try Self.work(device!) == expected, "other numbers") }
          check(trace.events.count + trace.missingCount == whole.events.count, "\(function) \(call)")
          check(trace.missingCount <= 1, "\(function) \(call)")
        }
        OpenCLFaults.begin(OpenCLFaults.Plan(function, lasts: true, .status(-5)))
        let trace = try device!.trace { check(try Self.work(device!) == expected, "other numbers") }
        check(trace.events.count + trace.missingCount == whole.events.count, function)
        OpenCLFaults.begin(nil)
      }
      // What fails in the work itself is thrown as without a trace, and the next trace is whole.
      for function in ["clEnqueueNDRangeKernel", "clFinish", "clWaitForEvents"] {
        OpenCLFaults.begin(OpenCLFaults.Plan(function, lasts: true, .status(-36)))
        do {
          _ = try device!.trace { _ = try Self.work(device!) }
          fatalError("\(function) failed unnoticed")
        } catch let error as TernError { check(error.code == .deviceFailure, "\(error)") }
        OpenCLFaults.begin(nil)
        _ = try? device!.synchronize()  // takes what the fault may have left
        let trace = try device!.trace { check(try Self.work(device!) == expected, "other numbers") }
        check(trace.events.count == whole.events.count, function)
      }
      device = nil
      check(OpenCLFaults.living.allSatisfy { $0.value == 0 }, "\(OpenCLFaults.living)")
    }
  }

  @Test func deviceWithoutTimesSaysSoAndGoesOn() async {
    await #expect(processExitsWith: .success) {
      var device: Device? = try Self.open().device
      let expected = try Self.work(device!)
      OpenCLFaults.begin(OpenCLFaults.Plan("clCreateCommandQueue", .status(-35)))
      do {
        _ = try device!.trace { fatalError("the work began") }
        fatalError("no error")
      } catch let error as TernError {
        check(error.code == .deviceFailure && "\(error)".contains("-35"), "\(error)")
      }
      check(try Self.work(device!) == expected, "other numbers")
      check(
        try device!.trace { check(try Self.work(device!) == expected, "other numbers") }.launches == 3, "no whole trace"
      )
      device = nil
      check(OpenCLFaults.living.allSatisfy { $0.value == 0 }, "\(OpenCLFaults.living)")
    }
  }

  /// Its events cover the last of several kernels only, so a marker says when the first began.
  @Test func libraryRoutineIsOneEvent() throws {
    let backend = try OpenCLSupport.privateBackend()
    let device = Device(kind: .opencl(0), name: "", backend: backend)
    func operand() -> GemmOperand {
      GemmOperand(storage: backend.allocate(byteCount: 4 * 640 * 640), dtype: .float32, row: 640, column: 1)
    }
    let problem = GemmProblem(m: 640, n: 640, k: 640, a: operand(), b: operand(), c: operand())
    guard backend.canUseCLBlast(problem), backend.clblastGemm(problem) else { return }
    try backend.synchronize()
    let before = backend.statistics
    let trace = try device.trace { #expect(backend.clblastGemm(problem)) }
    let routine = try #require(trace.events.first { $0.kind == .library })
    #expect(trace.events.count == 1 && routine.name == "CLBlastSgemm")
    #expect(trace.launches == (backend.statistics - before).launches)
    // 0.52 billion operations take a millisecond and more on anything that is a CPU.
    #expect(routine.duration > 10_000)
  }
}

/// Ends the process of an exit test with a message.
func check(_ condition: Bool, _ message: @autoclosure () -> String) {
  if !condition { fatalError(message()) }
}
