// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// Writes the results as one page that needs nothing else: bars in CSS, light or dark as the reader's system is,
/// narrow enough for a phone, and with its colours in print.
func writeReport(_ rows: [Row], devices: [Device], to path: String) throws {
  do {
    try Data(page(rows, devices: devices).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw TernError(
      .file, "cannot write \(path)", remedy: "name a file in a directory that may be written", cause: "\(error)")
  }
}

private func page(_ rows: [Row], devices: [Device]) -> String {
  let sections = Case.Family.allCases.compactMap { family in
    section(family, rows.filter { $0.benchmark.family == family })
  }
  let legend = devices.enumerated().map { index, device in
    "<li><span class=\"swatch d\(index % colours.count)\"></span>\(escaped("\(device)")): \(escaped(device.name))</li>"
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
    <p>\(timestamp()), \(ProcessInfo.processInfo.activeProcessorCount) processors. Each bar is the rate of the best \
    step, longer is better; the percentage says how much longer the median step took.</p>
    <ul class="legend">\(legend.joined())</ul>
    \(sections.joined(separator: "\n"))
    </body>
    </html>

    """
}

/// Bars of one family, all to one scale where its cases do comparable work.
private func section(_ family: Case.Family, _ rows: [Row]) -> String? {
  guard !rows.isEmpty else { return nil }
  let highest = rows.compactMap(\.highestRate).max() ?? 1
  let charts = rows.map { row in
    chart(row, scale: family == .training ? row.highestRate ?? 1 : highest)
  }
  return "<section>\n<h2>\(family.rawValue)</h2>\n\(charts.joined(separator: "\n"))\n</section>"
}

private func chart(_ row: Row, scale: Double) -> String {
  let bars = row.outcomes.enumerated().map { index, outcome in
    let (text, share) =
      outcome.rate.map { rate in
        ("\(significant(rate)) <small>\(outcome.medianExcess ?? "")</small>", max(0.2, 100 * rate / scale))
      } ?? ("failed", 0)
    let ratio = index == 0 ? "" : row.ratio(index).map { String(format: "&times;%.2f", $0) } ?? ""
    return """
      <div class="row" title="\(escaped(outcome.device))">\
      <div class="track">\
      <div class="bar d\(index % colours.count)" style="width:\(String(format: "%.1f", share))%"></div></div>\
      <div class="value">\(text)</div><div class="ratio">\(ratio)</div></div>
      """
  }
  return "<h3>\(escaped(row.benchmark.name)) <small>\(row.benchmark.unit)</small></h3>\n\(bars.joined(separator: "\n"))"
}

extension Row {
  fileprivate var highestRate: Double? { outcomes.compactMap(\.rate).max() }
}

private func timestamp() -> String {
  Date.now.formatted(.iso8601.year().month().day())
}

private func escaped(_ text: String) -> String {
  text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    .replacingOccurrences(of: "\"", with: "&quot;")
}

/// One for each device, told apart without colour vision too: they differ in lightness.
private let colours = ["#1f6fb4", "#e08a1e", "#3c9d5d", "#9d4f8f"]

private let stylesheet =
  """
  :root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --quiet: #667; --track: #eef0f3; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #16191d; --quiet: #99a; --track: #262b31; } }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 52rem; margin: 1.5rem auto; padding: 0 1rem;
    color: var(--ink); background: var(--paper); }
  h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
  h3 { font: 600 .85rem ui-monospace, monospace; margin: .8rem 0 .15rem; overflow-wrap: anywhere; }
  small, .ratio { color: var(--quiet); font-weight: normal; }
  .legend { list-style: none; padding: 0; }
  .swatch { display: inline-block; width: .8em; height: .8em; margin-right: .5em; }
  .row { display: grid; grid-template-columns: 1fr 8.5rem 3.5rem; gap: .6rem; align-items: center; margin: .12rem 0; }
  .track { background: var(--track); } .bar { height: .95rem; }
  .value, .ratio { font-variant-numeric: tabular-nums; text-align: right; }
  h3, .row { break-inside: avoid; } h3 { break-after: avoid; }
  .bar, .swatch, .track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @media (max-width: 30rem) { .row { grid-template-columns: 1fr 6.5rem 2.8rem; gap: .35rem; font-size: .85rem; } }
  @media print { :root { --ink: #000; --paper: #fff; --quiet: #444; --track: #eee; } }
  @media print { body { margin: 0; max-width: none; } }

  """ + colours.enumerated().map { ".d\($0) { background: \($1); }" }.joined(separator: "\n")
