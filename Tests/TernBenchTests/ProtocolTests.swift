// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernBench

@Suite struct ProtocolTests {
  @Test func serverAnswersEachLineAndKnowsWhatItLacks() throws {
    var requests = ["sgemm_256x256x256 0.001", "no_such_case 0.001", "sgemm_256x256x256 0.001"]
    var answers: [[String: Any]] = []
    let server = Server(
      device: .cpu, nextLine: { requests.isEmpty ? nil : requests.removeFirst() },
      send: { line in
        #expect(line.last == UInt8(ascii: "\n"))
        answers.append(try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any]))
      })
    try server.run()
    #expect(answers.count == 4)
    #expect(answers[0]["ready"] as? String == "tern")
    for answer in [answers[1], answers[3]] {
      #expect(answer["case"] as? String == "sgemm_256x256x256")
      #expect(answer["lib"] as? String == "tern")
      #expect(answer["device"] as? String == "cpu")
      #expect(answer["unit"] as? String == "GFLOP/s")
      let best = try #require(answer["best_s"] as? Double)
      let rate = try #require(answer["rate"] as? Double)
      #expect(abs(rate * best - 0.033_554_432) < 1e-6)
      #expect(try #require(answer["median_s"] as? Double) >= best)
    }
    #expect(answers[2]["rate"] is NSNull)
  }

  @Test func failedCasesAreRowsWithoutARate() throws {
    let benchmark = Case(name: "broken", family: .matmul, work: 1, unit: "GFLOP/s") { _ in
      throw TernError(.deviceFailure, "gone")
    }
    let row = Row(benchmark, outcomes: measure(benchmark, on: [.cpu], seconds: 0.001))
    #expect(row.outcomes[0].rate == nil)
    let text = table(Results(devices: [.cpu], peaks: [nil], rows: [row]))
    #expect(text.contains("broken"))
  }

  @Test(arguments: [(0.5, "0.500"), (1, "1.00"), (12.34, "12.3"), (123.4, "123"), (98_765, "98765")])
  func ratesHaveThreeDigits(rate: Double, text: String) { #expect(significant(rate) == text) }
}
