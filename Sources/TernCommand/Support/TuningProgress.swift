// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// Says on standard error which problem is being measured: one line that changes at a terminal, else a line for each.
final class TuningProgress {
  private let count: Int
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var begun = 0
  private var label = ""

  init(count: Int) { self.count = count }

  func begin(_ problem: ProblemClass) {
    begun += 1
    label = problem.label
    show(isTerminal ? "\r\u{1B}[K[\(begun)/\(count)] \(label.prefix(100))" : "[\(begun)/\(count)] \(label)\n")
  }

  /// Candidates that fell out, each with the reason.
  func report(_ discarded: [Tuner.Discarded]) {
    for candidate in discarded {
      let reason = candidate.reason.split(whereSeparator: \.isNewline).first ?? ""
      show((isTerminal ? "\r\u{1B}[K" : "") + "  \(label): \(candidate.algorithm) is discarded: \(reason)\n")
    }
  }

  func finish() { if isTerminal { show("\r\u{1B}[K") } }

  private func show(_ text: String) { writeToStandardError(text) }
}
