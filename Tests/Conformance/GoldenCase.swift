// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// One case: an operation, its attributes, its inputs and what must come out. `Fixtures/make_goldens.py` explains the
/// arrays' names.
package struct GoldenCase: Sendable {
  package let id: String
  package let operation: String
  package let attributes: Attributes
  /// Whether the result is random numbers, which are judged by their distribution and not one by one.
  package let isStatistical: Bool
  /// The names of all arrays that must be produced.
  package let expected: [String]
  private let relativeTolerance: Double
  private let absoluteTolerance: Double
  private let arrays: [String: NumPyArray]

  /// - Parameter arrays: those that the case gives and, if the results are to be compared, those that must come out.
  package init(_ entry: GoldenIndex.Entry, arrays: [String: NumPyArray]) {
    id = entry.id
    operation = entry.op
    attributes = Attributes(entry.attrs)
    isStatistical = entry.kind == "statistics"
    expected = (entry.arrays?.names ?? Array(arrays.keys)).filter { $0.hasPrefix("out.") || $0.hasPrefix("d.") }
      .sorted()
    relativeTolerance = entry.rtol
    absoluteTolerance = entry.atol
    self.arrays = arrays
  }

  /// The tensors that a case gives: those named `in.`, `p.` and `buf.`.
  package func inputs(on device: Device) -> [String: Tensor] {
    arrays.filter { name, _ in ["in.", "p.", "buf."].contains { name.hasPrefix($0) } }
      .mapValues { $0.tensor(on: device) }
  }

  /// The factor of an output in the loss; nil for a scalar, where it is 1.
  package func factor(of output: String, on device: Device) -> Tensor? { arrays["go." + output]?.tensor(on: device) }

  /// What is wrong with the array produced under that name; nil when it is right.
  ///
  /// The tolerance of an element is relative to it, plus an absolute part relative to the array's largest element.
  package func difference(_ name: String, _ produced: Tensor?) throws -> String? {
    guard let expected = arrays[name] else { return "\(name): not part of the case" }
    guard let produced else { return "\(name): missing" }
    guard produced.shape == expected.shape else {
      return "\(name): shape \(produced.shape), expected \(expected.shape)"
    }
    let (got, want) = (try produced.cast(to: .float32).scalars(as: Float.self), expected.doubles)
    let largest = want.filter(\.isFinite).map(abs).max() ?? 0
    var worst = (excess: 1.0, index: -1)
    for (index, (got, want)) in zip(got, want).enumerated() where Double(got) != want && !(got.isNaN && want.isNaN) {
      let tolerance = absoluteTolerance * max(1, largest) + relativeTolerance * abs(want)
      let error = abs(Double(got) - want) / tolerance
      if !(error <= worst.excess) { worst = (error.isNaN ? .infinity : error, index) }
    }
    guard worst.index >= 0 else { return nil }
    let (index, excess) = (worst.index, String(format: "%.3g", worst.excess))
    return "\(name)[\(index)]: got \(got[index]), expected \(want[index]), \(excess) times the tolerance"
  }
}
