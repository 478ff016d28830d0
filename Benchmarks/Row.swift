// SPDX-License-Identifier: MIT
import Foundation

/// A case with its outcomes, one for each device.
struct Row {
  let benchmark: Case
  let outcomes: [Outcome]

  init(_ benchmark: Case, outcomes: [Outcome]) {
    self.benchmark = benchmark
    self.outcomes = outcomes
  }

  /// How many times as fast as the first device.
  func ratio(_ index: Int) -> Double? {
    guard let rate = outcomes[index].rate, let first = outcomes[0].rate else { return nil }
    return rate / first
  }

  /// What part of the device's peak the best step reached.
  func share(_ index: Int, ofPeak peak: Peak?) -> Double? {
    guard let peak, let best = outcomes[index].best else { return nil }
    return benchmark.share(ofPeak: peak, seconds: best)
  }
}

/// The geometric mean; nil of no numbers.
func geometricMean(_ numbers: [Double]) -> Double? {
  numbers.isEmpty ? nil : exp(numbers.reduce(0) { $0 + log($1) } / Double(numbers.count))
}
