// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

private let isSimulated =
  ProcessInfo.processInfo.environment["OCLGRIND_LOG"] != nil
  && OpenCLDevices.shared.found.contains { $0.name == "Oclgrind Simulator" }

/// What `Tests/oclgrind.sh` runs in the Oclgrind simulator. The simulator writes its findings to a log, which the script
/// reads; here the kernels only have to run, and their results to be right. On the main thread: the simulator keeps what it
/// knows of initialized memory by thread, so uploads from another look like none.
@Suite(.serialized, .enabled(if: isSimulated, "runs in the simulator only: make oclgrind"))
struct OclgrindTests {
  static let devices = TestDevices.all.filter { $0.kind != .cpu }

  /// A write one element behind a buffer.
  @Test func plantedFaultIsReported() throws {
    let backend = try #require(Self.devices.first?.backend as? OpenCLBackend)
    let text = "__kernel void fault(__global float *x, int end) { x[end] = 1.0f; }"
    let kernel = try backend.programs.kernel("fault", ofGenerated: text, called: "fault.cl")
    let storage = backend.allocate(byteCount: 64)
    backend.launch(kernel, global: [1], [.storage(storage), .int(storage.capacity / 4)])
    try backend.synchronize()
  }

  /// All golden cases, and the tour of what they leave out; then every kernel of the package has been launched.
  @MainActor @Test func everyKernelRunsClean() throws {
    let cases = try GoldenCase.load(from: GoldenTests.fixtures)
    for device in Self.devices {
      for golden in cases { try expectSilence(golden.id, device) { try GoldenTests.check(golden, on: device) } }
      for stop in KernelTour.stops {
        try expectSilence(stop.testDescription, device) { try KernelTourTests.check(stop, on: device) }
      }
      try expectSilence("multiply_add", device) { try checkProbe(device) }
    }
    let missing = try KernelTour.kernelsInSource().filter { file, kernel in
      !Self.devices.contains { device in
        let backend = device.backend as! OpenCLBackend
        // A name may stand in two files, one for each kind of device.
        let other = backend.isCPUDevice ? "_gpu" : "_cpu"
        return !file.hasSuffix(other) && backend.programs.kernelNames.contains(kernel)
      }
    }
    #expect(missing.isEmpty, "never launched: \(missing.map { "\($0).cl \($1)" }.joined(separator: ", "))")
  }

  /// The kernel that measures arithmetic. A chain that starts at `s` is at `0.5 + (s - 0.5) / 2^n` after n rounds.
  private func checkProbe(_ device: Device) throws {
    let backend = try #require(device.backend as? OpenCLBackend)
    let y = backend.allocate(byteCount: 16)
    backend.launch("probe.cl", "multiply_add", global: [4], local: [1], [.storage(y), .long(3)])
    var totals = [Float](repeating: 0, count: 4)
    try totals.withUnsafeMutableBytes { try backend.download(y, byteOffset: 0, into: $0) }
    let lanes: Float = backend.isCPUDevice ? 2 : 1
    for (item, total) in totals.enumerated() {
      let expected = (0..<12).reduce(Float(0)) { $0 + lanes * (0.5 + (Float($1 + item) - 0.5) / 8) }
      #expect(abs(total - expected) < 1e-4)
    }
  }

  /// Names the case that made the simulator write to its log.
  private func expectSilence(_ name: String, _ device: Device, _ body: () throws -> Void) throws {
    let path = ProcessInfo.processInfo.environment["OCLGRIND_LOG"]!
    func logged() -> Data { FileManager.default.contents(atPath: path) ?? Data() }
    let before = logged().count
    try body()
    try device.synchronize()
    let findings = logged().dropFirst(before)
    #expect(findings.isEmpty, "\(name), \(device.name):\n\(String(decoding: findings.prefix(1500), as: UTF8.self))")
  }
}
