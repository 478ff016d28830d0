// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernBench

@Suite struct TraceTests {
  @Test func casesAreRowsOfTheTrace() async {
    // In a process of its own: other suites use the CPU meanwhile.
    await #expect(processExitsWith: .success) {
      let benchmark = Case(name: "add", family: .streaming, work: 1, unit: "GB/s") { device in
        let x = Tensor.ones([10], on: device)
        return { _ = (x + x).evaluated() }
      }
      let trace = try Device.cpu.trace { _ = measure(benchmark, on: [.cpu], seconds: 0.01, rounds: 2) }
      let names = trace.spans.map(\.name)
      guard names == ["add: warm-up", "add", "add"] else { fatalError("\(names)") }
      guard trace.events.count(where: { $0.name == "pointwise(add)" }) >= 3 + 2 * 2 else {
        fatalError("\(trace.byKernel)")
      }
    }
  }

  @Test func tracesOfServersAreRefused() {
    #expect(throws: (any Error).self) { _ = try TernBench.parse(["--serve", "--trace", "x"]) }
    #expect(throws: Never.self) { _ = try TernBench.parse(["--trace", "x"]) }
  }
}
