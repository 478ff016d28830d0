// SPDX-License-Identifier: MIT
import Foundation
import Tern
import Testing

/// One case: an operation, its attributes, its inputs and what must come out. `Fixtures/make_goldens.py` explains the
/// arrays' names.
struct GoldenCase: Sendable, CustomTestStringConvertible {
  let id: String
  let operation: String
  let attributes: Attributes
  private let relativeTolerance: Double
  private let absoluteTolerance: Double
  private let arrays: [String: NumPyArray]

  var testDescription: String { id }

  /// The tensors that a case gives: those named `in.`, `p.` and `buf.`.
  func inputs(on device: Device) -> [String: Tensor] {
    arrays.filter { name, _ in ["in.", "p.", "buf."].contains { name.hasPrefix($0) } }
      .mapValues { $0.tensor(on: device) }
  }

  /// The factor of an output in the loss; nil for a scalar, where it is 1.
  func factor(of output: String, on device: Device) -> Tensor? { arrays["go." + output]?.tensor(on: device) }

  /// The names of all arrays that must be produced.
  var expected: [String] { arrays.keys.filter { $0.hasPrefix("out.") || $0.hasPrefix("d.") }.sorted() }

  /// What is wrong with the array produced under that name; nil when it is right.
  ///
  /// The tolerance of an element is relative to it, plus an absolute part relative to the array's largest element.
  func difference(_ name: String, _ produced: Tensor?) throws -> String? {
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

// MARK: Reading

extension GoldenCase {
  /// The cases of a folder with an `index.json`.
  static func load(from folder: URL) throws -> [GoldenCase] {
    struct Index: Decodable {
      let cases: [Entry]
    }
    struct Entry: Decodable {
      let id, op, file: String
      let prefix: String?
      let attrs: [String: Attributes.Value]
      let rtol, atol: Double
    }
    let index = try JSONDecoder().decode(Index.self, from: Data(contentsOf: folder.appending(path: "index.json")))
    var archives: [String: NumPyArchive] = [:]
    return try index.cases.compactMap { entry in
      guard Operations.known.contains(entry.op) else { return nil }
      let archive = try archives[entry.file] ?? NumPyArchive(contentsOf: folder.appending(path: entry.file))
      archives[entry.file] = archive
      return GoldenCase(
        id: entry.id, operation: entry.op, attributes: Attributes(entry.attrs), relativeTolerance: entry.rtol,
        absoluteTolerance: entry.atol, arrays: try archive.arrays(prefix: entry.prefix ?? ""))
    }
  }
}

/// The attributes of a case, as JSON has them.
struct Attributes: Sendable {
  indirect enum Value: Decodable, Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([Value])
    case table([String: Value])

    /// One kind after the other is tried; the last one throws what does not fit.
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else if let list = try? container.decode([Value].self) {
        self = .list(list)
      } else {
        self = .table(try container.decode([String: Value].self))
      }
    }
  }

  private let values: [String: Value]

  init(_ values: [String: Value]) { self.values = values }

  func double(_ name: String) -> Double? { if case .number(let number) = values[name] { number } else { nil } }
  func float(_ name: String) -> Float? { double(name).map { Float($0) } }
  func int(_ name: String) -> Int? { double(name).map { Int($0) } }
  func flag(_ name: String) -> Bool { if case .flag(let flag) = values[name] { flag } else { false } }
  func text(_ name: String) -> String? { if case .text(let text) = values[name] { text } else { nil } }
  func doubles(_ name: String) -> [Double]? {
    list(name)?.compactMap { if case .number(let n) = $0 { n } else { nil } }
  }
  func ints(_ name: String) -> [Int]? { doubles(name)?.map { Int($0) } }
  func table(_ name: String) -> Attributes? {
    if case .table(let table) = values[name] { Attributes(table) } else { nil }
  }

  /// A list of lists of integers.
  func rows(_ name: String) -> [[Int]]? {
    list(name)?.map { row in
      guard case .list(let elements) = row else { return [] }
      return elements.compactMap { if case .number(let n) = $0 { Int(n) } else { nil } }
    }
  }

  private func list(_ name: String) -> [Value]? { if case .list(let list) = values[name] { list } else { nil } }
}
