// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct BeamSearchTests {
  /// A recurrent model of four symbols, on the host too: `h = tanh(h / 2 + embedding[symbol])`, logits `3 h · output`.
  private struct Model {
    let embedding = sample([4, 3], phase: 1).map(Double.init)
    let output = sample([3, 4], phase: 2).map(Double.init)

    func step(_ symbol: Int, _ h: inout [Double]) -> [Double] {
      h = (0..<3).map { tanh(h[$0] / 2 + embedding[symbol * 3 + $0]) }
      var logits = [0.0, 0, 0, 0]
      for (unit, number) in h.enumerated() {
        for symbol in 0..<4 { logits[symbol] += 3 * number * output[unit * 4 + symbol] }
      }
      let total = log(logits.map(exp).reduce(0, +))
      return logits.map { $0 - total }
    }

    /// Every sequence that ends, or has the full length.
    func all(_ start: Int, length: Int, end: Int?) -> [(symbols: [Int], sum: Double)] {
      func extend(_ symbols: [Int], _ sum: Double, _ h: [Double]) -> [(symbols: [Int], sum: Double)] {
        if symbols.count == length || (end != nil && symbols.last == end) { return [(symbols, sum)] }
        var h = h
        let next = step(symbols.last ?? start, &h)
        return (0..<4).flatMap { extend(symbols + [$0], sum + next[$0], h) }
      }
      return extend([], 0, [0, 0, 0])
    }

    func search(_ start: [Int], _ options: BeamSearchOptions, on device: Device) throws -> [[BeamHypothesis]] {
      let (table, matrix) = (
        Tensor(embedding, shape: [4, 3], on: device), Tensor(output, shape: [3, 4], on: device)
      )
      return try withDevice(device) {
        try beamSearch(from: start, state: Tensor.zeros([start.count, 3]), options: options) { symbols, h in
          h = tanh(h * 0.5 + table.gathered(rows: symbols))
          return matmul(h, matrix) * 3
        } reordering: { h, rows in
          h = h.gathered(rows: rows)
        }
      }
    }
  }

  @Test(arguments: Device.all, [(nil, 0), (3, 0), (3, 0.7), (1, 2)] as [(Int?, Double)])
  func wideBeamsFindWhatTryingAllFinds(_ device: Device, _ setting: (end: Int?, penalty: Double)) throws {
    let model = Model()
    let options = BeamSearchOptions(
      width: 64, maximumLength: 3, end: setting.end, lengthPenalty: setting.penalty)
    let found = try model.search([0, 2], options, on: device)
    for (start, hypotheses) in zip([0, 2], found) {
      let all = model.all(start, length: 3, end: setting.end).map {
        ($0.symbols, $0.sum, $0.sum / pow(Double($0.symbols.count), setting.penalty))
      }.sorted { $0.2 > $1.2 }
      #expect(hypotheses.count == min(64, all.count))
      for (hypothesis, expected) in zip(hypotheses.prefix(5), all) {
        #expect(hypothesis.symbols == expected.0)
        #expect(abs(hypothesis.logProbability - expected.1) < 1e-5 && abs(hypothesis.score - expected.2) < 1e-5)
      }
    }
  }

  /// A beam of one takes the likeliest symbol each time.
  @Test func narrowBeamsAreGreedy() throws {
    let model = Model()
    let found = try model.search([1], BeamSearchOptions(width: 1, maximumLength: 6), on: .cpu)[0]
    var (h, symbols) = ([0.0, 0, 0], [1])
    for _ in 0..<6 {
      let next = model.step(symbols.last!, &h)
      symbols.append(next.indices.max { next[$0] < next[$1] }!)
    }
    #expect(found.map(\.symbols) == [Array(symbols.dropFirst())])
  }

  /// Caches that follow their hypotheses score a sequence as the whole pass does.
  @Test(arguments: Device.all) func cachesFollowTheirHypotheses(_ device: Device) throws {
    try withDevice(device) {
      let generator = RandomGenerator(seed: 4)
      let (embedding, output) = (Embedding(5, 8, generator: generator), Linear(8, 5, generator: generator))
      let encoder = TransformerEncoder(8, heads: 2, layers: 2, generator: generator)
      let found = try beamSearch(
        from: [0, 3], state: [KeyValueCache](),
        options: BeamSearchOptions(width: 3, maximumLength: 5)
      ) { symbols, caches in
        output(encoder(embedding(symbols.expanded(at: 1)), caches: &caches))[.all, 0]
      } reordering: { caches, rows in
        caches = caches.map { $0.selecting(rows) }
      }
      for (start, hypotheses) in zip([0, 3], found) {
        for hypothesis in hypotheses {
          let whole = Tensor(Array(([start] + hypothesis.symbols).dropLast()), shape: [1, 5])
          let scores = logSoftmax(output(encoder(embedding(whole), mask: nil, causal: true)))
          let values = try scores.scalars(as: Double.self)
          let sum = hypothesis.symbols.enumerated().reduce(0) { $0 + values[$1.offset * 5 + $1.element] }
          #expect(abs(sum - hypothesis.logProbability) < 1e-4)
        }
      }
    }
  }

  @Test func aDeadEndIsLeftOut() throws {
    // After 1 nothing may follow; 0 is followed by itself or, less likely, by 1.
    let found = try beamSearch(from: [0], state: (), options: BeamSearchOptions(width: 2, maximumLength: 3)) {
      symbols, _ in
      let next: [Float] = try symbols.scalars(as: Int.self).flatMap {
        $0 == 1 ? [-Float.infinity, -Float.infinity] : [Float(1), 0]
      }
      return Tensor(next, shape: [symbols.count, 2], on: symbols.device)
    } reordering: { _, _ in
    }
    #expect(found[0].map(\.symbols) == [[0, 0, 0], [0, 0, 1]])
  }

  @Test func notANumberIsAnError() {
    #expect(throws: TernError.self) {
      try beamSearch(from: [0], state: (), options: BeamSearchOptions(width: 2, maximumLength: 2)) { symbols, _ in
        Tensor.full([2, 3], .nan, on: symbols.device)
      } reordering: { _, _ in
      }
    }
  }
}
