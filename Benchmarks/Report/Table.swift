// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// Results as lines of text: for each device the best rate, by how much the median step was slower, and the share of
/// the device's peak; then how many times as fast as the first device it was.
func table(_ results: Results) -> String {
  let devices = results.devices
  var header = ["case", "unit"]
  for (index, device) in devices.enumerated() {
    header += [device.description, "median", "of peak"]
    if index > 0 { header.append("ratio") }
  }
  let body = results.rows.map { row in
    var cells = [row.benchmark.name, row.benchmark.unit]
    for (index, outcome) in row.outcomes.enumerated() {
      let share = row.share(index, ofPeak: results.peaks[index])
      cells += [outcome.rate.map(significant) ?? "-", outcome.medianExcess ?? "-", share.map(percent) ?? "-"]
      if index > 0 { cells.append(row.ratio(index).map { String(format: "%.2f", $0) } ?? "-") }
    }
    return cells
  }
  let lines = [header] + body
  let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
  func line(_ cells: [String]) -> String {
    cells.enumerated().map { column, cell in
      let space = String(repeating: " ", count: widths[column] - cell.count)
      return column < 2 ? cell + space : space + cell
    }.joined(separator: "  ")
  }
  let rule = String(repeating: "-", count: line(header).count)
  let names = devices.indices.map(results.description)
  return (names + ["", line(header), rule] + body.map(line)).joined(separator: "\n")
}

/// Three significant digits, without an exponent.
func significant(_ value: Double) -> String {
  let digits = max(0, 2 - Int(log10(max(value, 1e-6)).rounded(.down)))
  return String(format: "%.\(digits)f", value)
}

/// A share as a whole percentage.
func percent(_ share: Double) -> String { String(format: "%.0f%%", 100 * share) }

extension Outcome {
  /// By how much the median step took longer than the best one: a measure of how quiet the machine was.
  var medianExcess: String? {
    guard let median, let best else { return nil }
    return String(format: "+%.0f%%", (median / best - 1) * 100)
  }
}

/// Says on standard error what is being measured: one line that is rewritten on a terminal, one a case elsewhere.
struct Progress {
  private let total: Int
  private let counter = Counter()
  private let isTerminal = isatty(STDERR_FILENO) == 1

  init(total: Int) { self.total = total }

  func begin(_ benchmark: Case) {
    counter.value += 1
    if isTerminal { writeToStandardError("\r\u{1B}[K[\(counter.value)/\(total)] \(benchmark.name)") }
  }

  func end(_ row: Row) {
    if isTerminal {
      if counter.value == total { writeToStandardError("\r\u{1B}[K") }
      return
    }
    let rates = row.outcomes.map { "\($0.device) \($0.rate.map(significant) ?? "failed")" }.joined(separator: ", ")
    writeToStandardError("[\(counter.value)/\(total)] \(row.benchmark.name): \(rates) \(row.benchmark.unit)\n")
  }

  private final class Counter { var value = 0 }
}
