// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// Writes the results as one page that needs nothing else: bars in CSS, light or dark as the reader's system is, narrow
/// enough for a phone, and with its colours in print.
///
/// - Throws: `TernError` with code `file` when the place cannot be written; a page that was there stays whole.
func writeReport(_ results: Results, to path: String) throws {
  let file = try AtomicFile(path: path)
  try Data(page(results).utf8).withUnsafeBytes { try file.write($0) }
  try file.commit()
}

private func page(_ results: Results) -> String {
  let sections = Case.Family.allCases.compactMap { family -> String? in
    let rows = results.rows.filter { $0.benchmark.family == family }
    return rows.isEmpty ? nil : section(family, rows, of: results)
  }
  return """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Tern benchmark</title>
    <style>
    \(stylesheet)
    </style>
    </head>
    <body>
    <h1>Tern benchmark</h1>
    <p>\(Date.now.formatted(.iso8601.year().month().day())), \
    \(ProcessInfo.processInfo.activeProcessorCount) processors. A wide bar is the rate of the best step, longer is \
    better; beside it stands how much longer the median step took, and how many times as fast as \
    \(escaped("\(results.devices[0])")) it was. The narrow bar below is the share of the device's measured peak: of a \
    loop of multiply-adds for products, convolutions and training, of a copy for the rest. It may pass 100% where data \
    stay in a cache, or where an algorithm needs fewer operations than the definition.\(peerNote(results))</p>
    \(legend(results))
    \(summary(results))
    \(sections.joined(separator: "\n"))
    </body>
    </html>

    """
}

private func peerNote(_ results: Results) -> String {
  guard !results.peers.isEmpty else { return "" }
  return " Striped bars are other libraries, timed in a run of their own: only large differences mean anything."
}

/// What the colours stand for, with each device's peak.
private func legend(_ results: Results) -> String {
  let devices = results.devices.indices.map { (colour: Palette.device($0), text: results.description(of: $0)) }
  let peers = results.peerNames.enumerated().map { (colour: Palette.peer($0.offset), text: $0.element) }
  let items = (devices + peers).map { "<li><span class=\"swatch \($0.colour)\"></span>\(escaped($0.text))</li>" }
  return "<ul class=\"legend\">\(items.joined())</ul>"
}

/// Geometric means of all cases that two sides share.
private func summary(_ results: Results) -> String {
  var lines: [(text: String, mean: Double, count: Int)] = []
  for (index, device) in results.devices.enumerated() {
    func add(_ other: String, _ ratios: [Double]) {
      if let mean = geometricMean(ratios) { lines.append(("\(device) / \(other)", mean, ratios.count)) }
    }
    if index > 0 { add("\(results.devices[0])", results.rows.compactMap { $0.ratio(index) }) }
    for name in results.peerNames {
      let ratios = results.rows.compactMap { row -> Double? in
        guard let ours = row.outcomes[index].rate, let theirs = results.peer(name, of: row.benchmark)?.rate else {
          return nil
        }
        return ours / theirs
      }
      add(name, ratios)
    }
  }
  guard !lines.isEmpty else { return "" }
  let rows = lines.map { line in
    "<tr><th scope=\"row\">\(escaped(line.text))</th><td>\(String(format: "%.2f", line.mean))</td>"
      + "<td>\(line.count) \(line.count == 1 ? "case" : "cases")</td></tr>"
  }
  return """
    <table><caption>Rates compared, geometric mean</caption><tbody>
    \(rows.joined(separator: "\n"))
    </tbody></table>
    """
}

func escaped(_ text: String) -> String {
  text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    .replacingOccurrences(of: "\"", with: "&quot;")
}
