// SPDX-License-Identifier: MIT

/// Bags of rows: a family of operations beside `Backend`, under the same rules.
///
/// Entry `i` of a list names row `indices[i]` of a table; bag `b` has the entries from `offsets[b]` to the next offset.
package protocol BagBackend: AnyObject, Sendable {
  /// Combines the rows of each bag: `y[b] = sum of shares[i] * table[indices[i]]`, or their maximum. An empty bag gives
  /// 0, an index outside of the table NaN.
  ///
  /// - Parameters:
  ///   - table: `[rows, columns]`.
  ///   - indices: `int32` or `int64` `[n]`.
  ///   - offsets: `int64` `[bags]`, ascending.
  ///   - shares: Float32 `[n]`, as `bagEntries` gives them; not for maxima.
  ///   - y: dense `[bags, columns]`.
  ///   - positions: for maxima, dense `int32` of `y`'s shape: the first entry that has the maximum; -1 in empty bags.
  func bags(
    _ plan: Bags, table: StridedView, indices: StridedView, offsets: StridedView, shares: StridedView?,
    into y: StridedView, positions: StridedView?)
  /// The bag of each entry, -1 for none, and what its row is multiplied with: its weight, divided by the bag's entries
  /// for means; 0 where the index is the padding's.
  ///
  /// - Parameters:
  ///   - weights: Float32 `[n]`; ones when nil.
  ///   - bags: dense `int32` `[n]`.
  ///   - shares: dense Float32 `[n]`.
  func bagEntries(
    _ plan: Bags, indices: StridedView, offsets: StridedView, weights: StridedView?, bags: StridedView,
    shares: StridedView)
  /// The table's gradient, the entries of a row added up in order: dense `dTable`, zero elsewhere.
  func bagGradient(
    _ plan: Bags, dy: StridedView, indices: StridedView, bags: StridedView, shares: StridedView,
    positions: StridedView?, into dTable: StridedView)
}

/// What bags of rows are made into.
package struct Bags: Sendable, Hashable {
  package enum Mode: Int, Sendable { case sum, mean, max }

  package let mode: Mode
  /// Entries with this index count for nothing.
  package let paddingIndex: Int?

  package init(_ mode: Mode, paddingIndex: Int?) {
    self.mode = mode
    self.paddingIndex = paddingIndex
  }
}
