// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import TernRuntime

/// Traces of every kind of device, each opened anew, so that counters and traces touch no other suite.
@Suite(.serialized) struct DeviceTraceTests {
  private static let kinds: [Device.Kind] =
    [.cpu]
    + OpenCLDevices.shared.found.indices.filter { !OpenCLDevices.shared.found[$0].isSimulator }.map { .opencl($0) }

  private func open(_ kind: Device.Kind) throws -> Device {
    switch kind {
    case .cpu: Device(kind: kind, name: "a CPU", backend: CPUBackend())
    case .opencl(let index):
      Device(kind: kind, name: "OpenCL", backend: try OpenCLSupport.privateBackend(index: index))
    }
  }

  /// Uploads, runs a program of two operations `count` times, a reduction, and downloads.
  private func work(_ backend: any Backend, _ count: Int = 5) throws {
    let x = StridedView(backend.storage(of: (0..<3000).map(Float.init)), .float32, shape: [3000])
    let y = StridedView(backend.allocate(byteCount: 12_000), .float32, shape: [3000])
    let program = PointwiseProgram(
      inputs: [.float32], instructions: [.init(.square, 0), .init(.tanh, 1)],
      outputs: [.init(register: 2, dtype: .float32)])
    for _ in 0..<count { backend.pointwise(program, [PointwiseOperands(inputs: [x], outputs: [y])]) }
    let sum = StridedView(backend.allocate(byteCount: 4), .float32, shape: [1])
    backend.reduce(
      .sum, ReductionGeometry("sum", [1, 3000], axes: [1]), y.viewed(shape: [1, 3000], strides: [3000, 1]), into: sum)
    _ = try backend.array(Float.self, 1, from: sum.storage)
  }

  @Test(arguments: kinds) func everyCommandAppearsOnceWithTimesInsideTheTrace(_ kind: Device.Kind) throws {
    let device = try open(kind)
    try work(device.backend)
    let before = device.statistics
    let start = TraceRecorder.now()
    let trace = try device.trace { try work(device.backend) }
    let length = TraceRecorder.now() - start
    let counted = device.statistics - before
    #expect(trace.device == device.description && trace.deviceName == device.name)
    #expect(trace.missingCount == 0 && trace.spans.isEmpty)
    #expect(trace.launches == counted.launches && counted.launches >= 6)
    #expect(trace.events.filter { $0.kind == .upload }.map(\.byteCount) == [12_000])
    #expect(trace.events.filter { $0.kind == .download }.map(\.byteCount) == [4])
    #expect(trace.events.filter { $0.name.hasSuffix("(square, tanh)") }.count == 5)
    #expect(trace.events.first?.kind == .upload && trace.events.last?.kind == .download)
    let slack = 50_000  // the clocks agree to some microseconds
    for event in trace.events {
      #expect(event.queued <= event.submitted && event.submitted <= event.started && event.started <= event.ended)
      #expect(event.queued >= -slack && event.ended <= trace.duration + slack)
      #expect(event.kind != .kernel || !event.globalSize.isEmpty && event.globalSize.count == event.localSize.count)
    }
    for (event, next) in zip(trace.events, trace.events.dropFirst()) { #expect(event.ended <= next.started) }
    #expect(trace.duration > 0 && trace.duration <= length)
    #expect(trace.busy == trace.events.reduce(0) { $0 + $1.duration } && trace.busy + trace.idle == trace.extent)
  }

  @Test(arguments: kinds) func nothingIsRecordedAfterwardsAndTracesCanBeRepeated(_ kind: Device.Kind) throws {
    let device = try open(kind)
    let first = try device.trace { try work(device.backend) }
    try work(device.backend)
    #expect(device.backend.tracing.recorder == nil)
    let empty = try device.trace {}
    #expect(empty.events.isEmpty && empty.extent == 0 && empty.idle == 0 && empty.byKernel.isEmpty)
    let second = try device.trace { try work(device.backend) }
    #expect(first.launches == second.launches)
  }

  @Test(arguments: kinds) func workFromBeforeAndAfterGivesTheSameNumbers(_ kind: Device.Kind) throws {
    let backend = try open(kind).backend
    let device = Device(kind: kind, name: "", backend: backend)
    let x = StridedView(backend.storage(of: [1, 2, 3] as [Float]), .float32, shape: [3])
    func double() {
      let program = PointwiseProgram(
        inputs: [.float32], instructions: [.init(.add, 0, 0)], outputs: [.init(register: 1, dtype: .float32)])
      backend.pointwise(program, [PointwiseOperands(inputs: [x], outputs: [x])])
    }
    for _ in 0..<3 {
      double()
      _ = try device.trace { double() }
    }
    #expect(try backend.array(Float.self, 3, from: x.storage) == [64, 128, 192])
  }

  @Test(arguments: kinds) func spansHoldTheWorkThatWasAwaitedInThem(_ kind: Device.Kind) throws {
    let device = try open(kind)
    try work(device.backend)
    let trace = try device.trace {
      for step in 1...3 {
        try device.span("step \(step)") { try work(device.backend) }
        usleep(1000)
      }
    }
    #expect(trace.spans.map(\.name) == ["step 1", "step 2", "step 3"])
    let slack = 50_000
    for span in trace.spans {
      let inside = trace.events.filter { $0.started >= span.started - slack && $0.ended <= span.ended + slack }
      #expect(inside.count * 3 == trace.events.count, "\(span)")
    }
    // Without a trace the name is not even made.
    device.span({ fatalError("a name was made") }()) {}
  }

  @Test(arguments: kinds) func beyondTheLimitEventsAreOnlyCounted(_ kind: Device.Kind) throws {
    let device = try open(kind)
    let whole = try device.trace { try work(device.backend, 20) }
    let cut = try device.trace(limit: 10) {
      try work(device.backend, 20)
      for _ in 0..<12 { device.span("span") {} }
    }
    #expect(cut.events.count == 10 && cut.spans.count == 10)
    #expect(cut.missingCount == whole.events.count - 10 + 2)
  }

  @Test(arguments: kinds) func manyEventsAreCollectedOnTheWay(_ kind: Device.Kind) throws {
    let device = try open(kind)
    let before = device.statistics
    // More than the queue lets stand between two markers.
    let trace = try device.trace { try work(device.backend, 6000) }
    #expect(trace.launches == (device.statistics - before).launches && trace.missingCount == 0)
    #expect(trace.byKernel.contains { $0.name.hasSuffix("(square, tanh)") && $0.count >= 1 })
  }

  @Test(arguments: kinds) func errorsOfTheBodyEndTheTrace(_ kind: Device.Kind) throws {
    let device = try open(kind)
    #expect(throws: CancellationError.self) { _ = try device.trace { throw CancellationError() } }
    #expect(try !device.trace { try work(device.backend) }.events.isEmpty)
  }

  @Test func timesAddUpByKernel() throws {
    func event(_ command: Trace.Command, _ started: Int, _ ended: Int) -> Trace.Event {
      Trace.Event(command: command, queued: started, submitted: started, started: started, ended: ended, thread: 0)
    }
    let small = TraceCommand(
      kind: .kernel, name: "sum", source: "reduce.cl", globalSize: [4], localSize: [1], launches: 1)
    var large = small
    large.globalSize = [64]
    let routine = Trace.Command(TraceCommand(kind: .library, name: "gemm", launches: 5))
    let trace = Trace(
      device: "opencl:0", deviceName: "",
      events: [
        event(Trace.Command(small), 100, 110), event(Trace.Command(large), 120, 150), event(routine, 130, 190),
        event(Trace.Command(.upload(64)), 200, 201),
      ], spans: [], missingCount: 0, duration: 300, origin: 0)
    #expect(trace.byKernel.map(\.name) == ["gemm", "sum", "upload"])
    #expect(trace.byKernel.map(\.total) == [60, 40, 1])
    #expect(trace.byKernel.map(\.count) == [1, 2, 1])
    #expect(trace.byKernel.map(\.launches) == [5, 2, 0])
    #expect(trace.byKernel.map(\.byteCount) == [0, 0, 64])
    #expect(trace.byKernel.map(\.mean) == [60, 20, 1])
    #expect(trace.launches == 7 && trace.extent == 101)
    // Two events overlap for 20.
    #expect(trace.busy == 81 && trace.idle == 20)
  }

  @Test func twoTracesOfOneDeviceTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = try Device.cpu.trace { _ = try Device.cpu.trace {} }
    }
    await #expect(processExitsWith: .failure) { _ = try Device.cpu.trace(limit: 0) {} }
  }
}

extension Device.Kind: CustomTestStringConvertible {
  public var testDescription: String { "\(self)" }
}
