// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

extension Outcome {
  /// Reads other libraries' outcomes: one JSON object a line with `case`, `lib`, `device`, `best_s`, `median_s`, `rate`
  /// and `unit`. Of several outcomes of a case by one library on one device the best counts; those without a rate do
  /// not.
  ///
  /// - Throws: `TernError` when the file cannot be read, or a line is something else.
  static func readAll(from path: String) throws -> [Outcome] {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw TernError(
        .file, "cannot read \(path)", remedy: "name a file of timings, one a line", cause: reason(of: error))
    }
    var best: [String: Outcome] = [:]
    var order: [String] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where line.contains(where: { !$0.isWhitespace }) {
      let outcome: Outcome
      do {
        outcome = try JSONDecoder().decode(Outcome.self, from: Data(line.utf8))
      } catch {
        throw TernError(
          .file, "\(path), line \(number + 1): no timing of a case",
          remedy: "each line must be a JSON object with case, lib, device, best_s, median_s, rate and unit",
          cause: reason(of: error))
      }
      guard let rate = outcome.rate, rate.isFinite, rate > 0 else { continue }
      let key = "\(outcome.name)\n\(outcome.peerName)"
      if best[key] == nil { order.append(key) }
      if rate > best[key]?.rate ?? 0 { best[key] = outcome }
    }
    return order.compactMap { best[$0] }
  }

  /// `torch cpu`.
  var peerName: String { "\(library) \(device)" }
}

extension Results {
  /// Names of the libraries that have an outcome, in the order of their file.
  var peerNames: [String] {
    var names: [String] = []
    for peer in peers where !names.contains(peer.peerName) { names.append(peer.peerName) }
    return names
  }

  /// Another library's outcome of a case, if it was measured in the same unit.
  func peer(_ name: String, of benchmark: Case) -> Outcome? {
    peers.first { $0.peerName == name && $0.name == benchmark.name && $0.unit == benchmark.unit }
  }
}
