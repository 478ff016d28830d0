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

  /// All golden cases, but for those that train: they repeat the kernels of others, step after step.
  @Test func goldenCasesRunClean() throws {
    let cases = try GoldenCase.load(from: GoldenTests.fixtures).filter { !$0.operation.hasPrefix("train_") }
    for device in Self.devices {
      for golden in cases { try expectSilence(golden.id, device) { try GoldenTests.check(golden, on: device) } }
    }
    try noteLaunches()
  }

  @Test func tourOfGPUsRunsClean() throws { try runTour(asCPU: false) }

  @Test func tourOfCPUsRunsClean() throws { try runTour(asCPU: true) }

  /// What the golden cases leave out.
  private func runTour(asCPU: Bool) throws {
    for device in Self.devices where (device.backend as? OpenCLBackend)?.isCPUDevice == asCPU {
      for stop in KernelTour.stops where asCPU || !stop.isForCPUs {
        try expectSilence(stop.testDescription, device) { try KernelTourTests.check(stop, on: device) }
      }
      try expectSilence("multiply_add", device) { try checkProbe(device) }
    }
    try noteLaunches()
  }

  /// After the others, which run in processes of their own: every kernel of the package has been launched, by each
  /// type of device that it has a form for.
  @Test func everyKernelRan() throws {
    let source = try KernelTour.kernelsInSource()
    var all: Set<String> = []
    for isCPUDevice in [false, true] {
      let file = Self.launches(isCPUDevice)
      let launched = Set(try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init))
      let expected =
        source.filter { $0.devices == (isCPUDevice ? .cpus : .gpus) || $0.devices == .each }.map(\.name)
        + PointwiseSource.kernelNames(isCPUDevice: isCPUDevice)
      let missing = Set(expected).subtracting(launched)
      #expect(missing.isEmpty, "never launched on a \(isCPUDevice ? "CPU" : "GPU"): \(missing.sorted())")
      all.formUnion(launched)
    }
    let missing = Set(source.map(\.name)).subtracting(all)
    #expect(missing.isEmpty, "never launched: \(missing.sorted())")
  }

  /// The names of what was launched, a line each, beside the log.
  private static func launches(_ isCPUDevice: Bool) -> URL {
    let log = URL(filePath: ProcessInfo.processInfo.environment["OCLGRIND_LOG"]!)
    return log.deletingLastPathComponent().appending(path: "launched-\(isCPUDevice ? "cpu" : "gpu")")
  }

  private func noteLaunches() throws {
    for device in Self.devices {
      let backend = try #require(device.backend as? OpenCLBackend)
      let file = fopen(Self.launches(backend.isCPUDevice).path, "a")
      fputs(backend.programs.kernelNames.map { $0 + "\n" }.joined(), file)
      fclose(file)
    }
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
