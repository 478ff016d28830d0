// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernBench

@Suite struct ReportTests {
  private let peak = Peak(multiplyAdds: 100, copied: 10)

  private func results(peers: [Outcome] = []) -> Results {
    let rows = Case.all.filter { $0.matches("sgemm_256,sum_16M") }.map { benchmark in
      Row(benchmark, outcomes: [Outcome(benchmark, device: .cpu, times: [0.1, 0.2])])
    }
    return Results(devices: [.cpu], peaks: [peak], rows: rows, peers: peers)
  }

  /// Writes lines into a file and hands it to `body`.
  private func withFile<R>(_ text: String, _ body: (String) throws -> R) throws -> R {
    let folder = try TemporaryDirectory()
    return try body(folder.write(Array(text.utf8), "report"))
  }

  private func line(_ name: String, _ library: String, rate: String, unit: String = "GFLOP/s") -> String {
    #"{"case": "\#(name)", "lib": "\#(library)", "device": "cpu", "median_s": 0.2, "best_s": 0.1, "#
      + #""rate": \#(rate), "unit": "\#(unit)"}"#
  }

  @Test func sharesAreOfTheProbeThatBoundsTheCase() throws {
    let product = try #require(Case.named("sgemm_256x256x256"))
    #expect(abs(product.share(ofPeak: peak, seconds: 0.001) - 0.335_544_32) < 1e-9)
    let sum = try #require(Case.named("sum_16M"))
    #expect(abs(sum.share(ofPeak: peak, seconds: 0.01) - 0.671_088_64) < 1e-9)
    let training = try #require(Case.named("train_lenet5_b64"))
    #expect(abs(training.share(ofPeak: peak, seconds: 0.01) - 6 * 416_520 * 64 / 1e9) < 1e-9)
  }

  @Test func betterProbeCounts() {
    let merged = peak.merged(with: Peak(multiplyAdds: 90, copied: 12))
    #expect(merged.multiplyAdds == 100 && merged.copied == 12)
    #expect(peak.merged(with: nil).copied == 10)
  }

  @Test func tableNamesPeaksAndShares() {
    let text = table(results())
    #expect(text.contains("peak 100 GFLOP/s, 10.0 GB/s copied"))
    // 2 * 256^3 operations in 0.1 s are 0.336 GFLOP/s.
    #expect(text.contains("of peak") && text.contains("0%") && text.contains("+50%"))
  }

  @Test func reportIsOnePageWithBarsForEachResult() throws {
    try withFile("") { path in
      try writeReport(results(), to: path)
      let page = try String(contentsOfFile: path, encoding: .utf8)
      #expect(page.components(separatedBy: "class=\"bar ").count == 3)
      #expect(page.components(separatedBy: "class=\"share ").count == 3)
      #expect(page.components(separatedBy: "data-case=").count == 3)
      #expect(!page.contains("http") && !page.contains("src="), "the page must need nothing from elsewhere")
    }
    #expect(throws: TernError.self) { try writeReport(results(), to: "/nonexistent/report.html") }
  }

  @Test func peersAreDrawnWhereCaseAndUnitAgree() throws {
    let lines = [
      line("sgemm_256x256x256", "torch", rate: "0.1"), line("sgemm_256x256x256", "torch", rate: "0.3"),
      line("sgemm_256x256x256", "<mlx>", rate: "0.2"), line("sgemm_256x256x256", "jax", rate: "null"), "",
      line("sum_16M", "torch", rate: "5", unit: "GFLOP/s"), line("unknown", "torch", rate: "5"),
    ]
    let peers = try withFile(lines.joined(separator: "\n")) { try Outcome.readAll(from: $0) }
    #expect(peers.map(\.name) == ["sgemm_256x256x256", "sgemm_256x256x256", "sum_16M", "unknown"])
    #expect(peers[0].rate == 0.3, "the best of two counts")
    try withFile("") { path in
      try writeReport(results(peers: peers), to: path)
      let page = try String(contentsOfFile: path, encoding: .utf8)
      #expect(page.components(separatedBy: "class=\"bar p").count == 3)
      #expect(page.contains("&lt;mlx> cpu") && !page.contains("<mlx>"))
      // 0.33554432 / 0.3
      #expect(page.contains("cpu / torch cpu</th><td>1.12</td><td>1 case<"))
    }
  }

  @Test(arguments: ["{", "[1]", #"{"case": "sum_16M"}"#]) func wrongLinesAreNamed(_ text: String) throws {
    let good = line("sum_16M", "torch", rate: "1")
    let error = try withFile(good + "\n" + text) { path in
      #expect(throws: TernError.self) { try Outcome.readAll(from: path) }
    }
    #expect(try #require(error).description.contains("line 2"))
    #expect(throws: TernError.self) { try Outcome.readAll(from: "/nonexistent/peers.jsonl") }
  }
}
