// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import TernRuntime

@Suite struct TraceFileTests {
  private let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func read(_ path: String) throws -> [[String: Any]] {
    let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
    return try #require((object as? [String: Any])?["traceEvents"] as? [[String: Any]])
  }

  private func trace(device: String = "opencl:0", origin: Int = 5_000, name: String = "k") -> Trace {
    let command = TraceCommand(
      kind: .kernel, name: name, source: "a\\b.cl", globalSize: [64, 2], localSize: [8, 1], launches: 1)
    return Trace(
      device: device, deviceName: "the \"device\"",
      events: [
        Trace.Event(
          command: .init(.upload(4096)), queued: 1_000, submitted: 1_001, started: 1_500, ended: 2_007, thread: 0),
        Trace.Event(
          command: .init(command), queued: 1_200, submitted: 2_000, started: 3_000, ended: 1_234_567, thread: 0),
      ], spans: [Trace.Span(name: "step 1", started: 900, ended: 1_300_000, thread: 0)], missingCount: 0,
      duration: 2_000_000, origin: origin)
  }

  @Test func eventsHaveTheFieldsOfTheFormat() throws {
    let name = "odd \"name\"\n\u{7} 語"
    let path = directory.file("trace.json")
    try trace(name: name).write(to: path)
    let events = try read(path)
    let complete = events.filter { $0["ph"] as? String == "X" }
    #expect(complete.map { $0["name"] as? String } == ["step 1", "upload", name])
    #expect(complete.map { $0["cat"] as? String } == ["host", "upload", "kernel"])
    #expect(complete.map { $0["ts"] as? Double } == [0.9, 1.5, 3])
    #expect(complete.map { $0["dur"] as? Double } == [1299.1, 0.507, 1231.567])
    #expect(Set(complete.map { $0["pid"] as? Int }) == [1])
    // The host's thread is not the queue's.
    #expect(complete.map { $0["tid"] as? Int } == [2, 1, 1])
    let kernel = try #require(complete.last?["args"] as? [String: Any])
    #expect(kernel["global"] as? [Int] == [64, 2] && kernel["local"] as? [Int] == [8, 1])
    #expect(kernel["source"] as? String == "a\\b.cl" && kernel["waited_us"] as? Double == 1.8)
    #expect(kernel["queued_us"] as? Double == 1.2 && kernel["submitted_us"] as? Double == 2)
    #expect((complete[1]["args"] as? [String: Any])?["bytes"] as? Int == 4096)
    let labels = events.filter { $0["ph"] as? String == "M" }.compactMap { ($0["args"] as? [String: Any])?["name"] }
    #expect(labels as? [String] == ["opencl:0 (the \"device\")", "queue", "host 0"])
  }

  @Test func devicesShareOneTimeLine() throws {
    let path = directory.file("trace.json")
    try Trace.write([trace(), trace(device: "cpu", origin: 1_005_000)], to: path)
    let complete = try read(path).filter { $0["ph"] as? String == "X" }
    #expect(complete.map { $0["pid"] as? Int } == [1, 1, 1, 2, 2, 2])
    #expect(complete.map { $0["ts"] as? Double } == [0.9, 1.5, 3, 1000.9, 1001.5, 1003])
    // On the CPU a span holds the operations of its own thread.
    #expect(complete.map { $0["tid"] as? Int } == [2, 1, 1, 1, 1, 1])
  }

  @Test func longTracesAreWrittenInPieces() throws {
    let short = trace()
    let long = Trace(
      device: "cpu", deviceName: "", events: Array(repeating: short.events[1], count: 5000), spans: [],
      missingCount: 0, duration: 1, origin: 0)
    let path = directory.file("trace.json")
    try long.write(to: path)
    #expect(try read(path).filter { $0["ph"] as? String == "X" }.count == 5000)
    try Trace.write([], to: path)
    #expect(try read(path).isEmpty)
  }

  @Test func unwritablePlacesAreFoundBeforeTheWork() throws {
    let places = [directory.path, directory.path + "/none/trace.json", "/dev/full", ""]
    for place in places {
      let error = #expect(throws: TernError.self) {
        try withTrace(of: .cpu, to: place) { Issue.record("the work began") }
      }
      #expect(error?.code == .file, "\(place)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test func tracesOfFailedWorkAreWrittenAndResultsHandedOn() async throws {
    // In a process of its own: other suites use the CPU meanwhile.
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      func events(_ name: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: directory.file(name)))
        return (try JSONSerialization.jsonObject(with: data) as? [String: Any])?["traceEvents"] as? [[String: Any]]
          ?? []
      }
      let devices = Device.all.filter { $0 == .cpu || OpenCLSupport.backend($0).info.isSimulator == false }
      let result = try withTrace(of: devices, to: directory.file("good.json")) {
        for device in devices { device.span("on \(device)") { _ = device.backend.storage(of: [1, 2, 3] as [Float]) } }
        return 42
      }
      let names = try events("good.json").filter { $0["ph"] as? String == "X" }.compactMap { $0["name"] as? String }
      check(result == 42 && names.sorted() == (devices.flatMap { ["on \($0)", "upload"] }).sorted(), "\(names)")
      do {
        try withTrace(of: .cpu, to: directory.file("bad.json")) {
          Device.cpu.span("last words") {}
          throw CancellationError()
        }
        fatalError("the error was lost")
      } catch is CancellationError {}
      check(try events("bad.json").contains { $0["name"] as? String == "last words" }, "no trace of what failed")
    }
  }
}
