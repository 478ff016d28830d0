// SPDX-License-Identifier: MIT
import Foundation

/// One row of a chart.
private struct Bar {
  let label: String
  let colour: String
  let rate: Double?
  let excess: String?
  let ratio: Double?
  let share: Double?
}

/// Bars of one family, all to one scale where its cases do comparable work.
func section(_ family: Case.Family, _ rows: [Row], of results: Results) -> String {
  let charts = rows.map { ($0, bars(of: $0, in: results)) }
  let highest = charts.flatMap { $0.1 }.compactMap(\.rate).max() ?? 1
  let articles = charts.map { row, bars in
    article(row.benchmark, bars, scale: family == .training ? bars.compactMap(\.rate).max() ?? 1 : highest)
  }
  return "<section>\n<h2>\(family.rawValue)</h2>\n\(articles.joined(separator: "\n"))\n</section>"
}

private func bars(of row: Row, in results: Results) -> [Bar] {
  let ours = row.outcomes.enumerated().map { index, outcome in
    Bar(
      label: outcome.device, colour: Palette.device(index), rate: outcome.rate, excess: outcome.medianExcess,
      ratio: index == 0 ? nil : row.ratio(index), share: row.share(index, ofPeak: results.peaks[index]))
  }
  let theirs = results.peerNames.enumerated().compactMap { index, name -> Bar? in
    guard let outcome = results.peer(name, of: row.benchmark), let rate = outcome.rate else { return nil }
    return Bar(
      label: name, colour: Palette.peer(index), rate: rate, excess: outcome.medianExcess,
      ratio: row.outcomes[0].rate.map { rate / $0 }, share: nil)
  }
  return ours + theirs
}

private func article(_ benchmark: Case, _ bars: [Bar], scale: Double) -> String {
  """
  <article data-case="\(escaped(benchmark.name))">
  <h3>\(escaped(benchmark.name)) <small>\(escaped(benchmark.unit))</small></h3>
  \(bars.map { row($0, scale: scale) }.joined(separator: "\n"))
  </article>
  """
}

private func row(_ bar: Bar, scale: Double) -> String {
  let label = "<span class=\"label\">\(escaped(bar.label))</span>"
  guard let rate = bar.rate else { return "<div class=\"row\">\(label)<span class=\"value\">failed</span></div>" }
  // A bar that is too short to see would look like none.
  let rateBar = track("bar \(bar.colour)", share: max(0.004, rate / scale))
  let shareBar = bar.share.map { track("share \(bar.colour)", share: max(0.004, min(1, $0))) } ?? ""
  let excess = bar.excess.map { " <small>\($0)</small>" } ?? ""
  return """
    <div class="row">\(label)<span class="tracks">\(rateBar)\(shareBar)</span>\
    <span class="value">\(significant(rate))\(excess)</span>\
    <span class="ratio">\(bar.ratio.map { "&times;" + times($0) } ?? "")</span>\
    <span class="percent">\(bar.share.map { "\(percent($0)) of peak" } ?? "")</span></div>
    """
}

/// A ratio with two decimals, or fewer where it is large.
private func times(_ ratio: Double) -> String { String(format: "%.\(ratio < 10 ? 2 : ratio < 100 ? 1 : 0)f", ratio) }

private func track(_ classes: String, share: Double) -> String {
  let width = String(format: "%.1f", 100 * share)
  return "<span class=\"track\"><span class=\"\(classes)\" style=\"width:\(width)%\"></span></span>"
}
