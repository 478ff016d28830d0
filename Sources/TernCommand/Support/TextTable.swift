// SPDX-License-Identifier: MIT
import Foundation

/// Text in aligned columns: the first one, or as many as are asked for, to the left, all others to the right.
func textTable(_ rows: [[String]], leftColumns: Int = 1) -> String {
  let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    row.enumerated().map { column, cell in
      let space = String(repeating: " ", count: widths[column] - cell.count)
      return column < leftColumns ? cell + space : space + cell
    }.joined(separator: "  ")
  }.joined(separator: "\n")
}

/// A number of bytes as people read it: `12.3 MiB`.
func readable(bytes: Int) -> String {
  let units = ["B", "KiB", "MiB", "GiB", "TiB"]
  var value = Double(bytes), unit = 0
  while value >= 1024 && unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : "\(decimal(value, 1)) \(units[unit])"
}

/// A number with a fixed count of decimals.
func decimal(_ value: Double, _ decimals: Int) -> String {
  value.formatted(.number.precision(.fractionLength(decimals)).grouping(.never).locale(Locale(identifier: "en_US")))
}
