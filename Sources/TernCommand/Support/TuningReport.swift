// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// What `tern tune` found, for people and as JSON.
struct TuningReport: Encodable {
  struct Row: Encodable {
    var problem: String
    var defaultAlgorithm: String
    var winner: String
    var defaultSeconds: Double?
    var seconds: Double
    var speedup: Double?
    var discarded: [Tuner.Discarded]
  }

  struct Skipped: Encodable {
    var problem: String
    var reason: String
    var discarded: [Tuner.Discarded]
  }

  var device: String
  var name: String
  /// The file that holds the choices.
  var path: String
  var results: [Row] = []
  var skipped: [Skipped] = []
  /// Problems that the budget, or Ctrl-C, left out.
  var unmeasured = 0
  var isInterrupted = false
  private var labels: [String] = []

  private enum CodingKeys: CodingKey {
    case device, name, path, results, skipped, unmeasured, isInterrupted
  }

  init(device: String, name: String, path: String) {
    (self.device, self.name, self.path) = (device, name, path)
  }

  mutating func add(_ outcome: Tuner.Outcome) {
    labels.append(outcome.problem.label)
    results.append(
      Row(
        problem: outcome.problem.description, defaultAlgorithm: outcome.defaultAlgorithm, winner: outcome.winner,
        defaultSeconds: outcome.defaultSeconds, seconds: outcome.seconds, speedup: outcome.speedup,
        discarded: outcome.discarded))
  }

  mutating func skip(_ problem: ProblemClass, reason: String, _ discarded: [Tuner.Discarded]) {
    skipped.append(Skipped(problem: problem.description, reason: reason, discarded: discarded))
  }

  /// A table, and a line that sums it up.
  var text: String {
    let rows = zip(labels, results).map { label, row in
      [
        label, row.defaultAlgorithm, row.defaultSeconds.map { decimal($0 * 1e3, 3) } ?? "-", row.winner,
        decimal(row.seconds * 1e3, 3), row.speedup.map { decimal($0, 2) } ?? "-",
      ]
    }
    let table = rows.isEmpty ? [] : [textTable([["shape", "default", "ms", "winner", "ms", "speedup"]] + rows)]
    let changed = results.count { $0.winner != $0.defaultAlgorithm }
    var summary =
      "\(results.count) shapes measured on \(device) (\(name)), \(changed) with another algorithm than the default"
    if !skipped.isEmpty { summary += "; \(skipped.count) without a choice" }
    if unmeasured > 0 { summary += "; \(unmeasured) left for another run" }
    if !results.isEmpty { summary += "; kept in \(path)" }
    return (table + [summary]).joined(separator: "\n")
  }
}
