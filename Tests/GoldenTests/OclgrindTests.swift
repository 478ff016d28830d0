// SPDX-License-Identifier: MIT
import Conformance
import Foundation
import Testing

@testable import TernRuntime

private let isSimulated =
  ProcessInfo.processInfo.environment["OCLGRIND_LOG"] != nil
  && OpenCLDevices.shared.found.contains { $0.name == "Oclgrind Simulator" }

/// What `Tests/oclgrind.sh` runs in the Oclgrind simulator. The simulator writes its findings to a log, which the
/// script reads; here the kernels only have to run, and their results to be right.
@Suite(.serialized, .enabled(if: isSimulated, "runs in the simulator only: make oclgrind"))
struct OclgrindTests {
  static let devices = TestDevices.all.filter { $0.kind != .cpu }

  struct Fault: Sendable, CustomTestStringConvertible {
    let statement: String
    let report: String
    var testDescription: String { report }
  }

  /// One of each kind that the log must be free of. `x` and `y` have 16 elements; nothing has written `x`.
  static let faults = [
    Fault(statement: "x[16] = y[0]", report: "Invalid write of size 4"),
    Fault(statement: "x[0] = y[16]", report: "Invalid read of size 4"),
    Fault(statement: "x[get_global_id(0)] = x[15 - get_global_id(0)]", report: "Uninitialized value written"),
    Fault(statement: "x[0] = (float)get_group_id(0)", report: "Write-write data race"),
  ]

  /// Without this, silence would mean nothing.
  @Test(arguments: faults) func plantedFaultsAreReported(fault: Fault) throws {
    let backend = try #require(Self.devices.first?.backend as? OpenCLBackend)
    let text = "__kernel void fault(__global float *x, __global const float *y) { \(fault.statement); }"
    let kernel = try backend.programs.kernel("fault", ofGenerated: text, called: "fault.cl")
    func ones() -> Storage {
      let storage = backend.allocate(byteCount: 64)
      [Float](repeating: 1, count: 16).withUnsafeBytes { backend.upload($0, to: storage, byteOffset: 0) }
      return storage
    }
    _ = ones()  // a block that was written and given back must not come again as one that is written
    let (x, y) = (backend.allocate(byteCount: 64), ones())
    let findings = try findings(backend) {
      backend.launch(kernel, global: [2], local: [1], [.storage(x), .storage(y)])
    }
    #expect(findings.contains(fault.report), "\(fault.statement): \(findings)")
  }

  /// All golden cases, and the tour of what they leave out; then every kernel of the package has been launched.
  @Test func everyKernelRunsClean() throws {
    let cases = try GoldenCase.load(from: GoldenTests.fixtures)
    for device in Self.devices {
      for golden in cases { try expectSilence(golden.id, device) { try GoldenTests.check(golden, on: device) } }
      for stop in KernelTour.stops {
        try expectSilence(stop.testDescription, device) { try KernelTourTests.check(stop, on: device) }
      }
      try expectSilence("multiply_add", device) { try checkProbe(device) }
    }
    let source = try KernelTour.kernelsInSource()
    for device in Self.devices {
      let backend = try #require(device.backend as? OpenCLBackend)
      let launched = backend.programs.kernelNames
      let expected =
        source.filter { $0.devices == (backend.isCPUDevice ? .cpus : .gpus) || $0.devices == .each }.map(\.name)
        + PointwiseSource.kernelNames(isCPUDevice: backend.isCPUDevice)
      let missing = Set(expected).subtracting(launched)
      #expect(missing.isEmpty, "never launched on \(device.name): \(missing.sorted())")
    }
    let launched = Self.devices.reduce(into: Set()) { names, device in
      names.formUnion((device.backend as! OpenCLBackend).programs.kernelNames)
    }
    let missing = Set(source.map(\.name)).subtracting(launched)
    #expect(missing.isEmpty, "never launched: \(missing.sorted())")
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
    let findings = try findings(device.backend, body)
    #expect(findings.isEmpty, "\(name), \(device.name):\n\(findings.prefix(1500))")
  }

  /// What `body` adds to the simulator's log.
  private func findings(_ backend: any Backend, _ body: () throws -> Void) throws -> String {
    let path = ProcessInfo.processInfo.environment["OCLGRIND_LOG"]!
    func logged() -> Data { FileManager.default.contents(atPath: path) ?? Data() }
    let before = logged().count
    try body()
    try backend.synchronize()
    return String(decoding: logged().dropFirst(before), as: UTF8.self)
  }
}
