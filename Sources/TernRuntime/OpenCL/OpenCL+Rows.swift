// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func gatherRows(_ table: StridedView, _ indices: StridedView, into y: StridedView) {
    let (count, columns) = (indices.count, table.shape[1])
    guard y.count > 0 else { return }
    let share = max(1, 8192 / columns)
    launchItems(
      "rows.cl", "gather_rows", isCPUDevice ? ceilDivide(count, share) : count * columns,
      [
        .buffer(table.count > 0 ? table : y), Self.steps(table), .type(table), .buffer(indices), Self.list(indices),
        .buffer(y), .long(y.offset), .long(table.shape[0]), .long(columns), .long(count), .long(share),
      ])
  }

  package func scatterAddRows(_ dy: StridedView, _ indices: StridedView, into dTable: StridedView) {
    let (rows, columns, count) = (dTable.shape[0], dTable.shape[1], indices.count)
    guard dTable.count > 0 else { return }
    require(
      rows < Int32.max && count < Int32.max,
      "scatterAddRows: \(count) indices into \(rows) rows, expected fewer than \(Int32.max) of each")
    let sorted = sortedByRow(indices, rows: rows)
    let share = max(1, 8192 / columns)
    launchItems(
      "rows.cl", "sum_rows", isCPUDevice ? ceilDivide(rows, share) : rows * columns,
      [
        .buffer(count > 0 ? dy : dTable), Self.steps(dy), .type(dy), .storage(sorted.storage), .int(count),
        .buffer(dTable), .long(dTable.offset), .type(dTable), .long(rows), .long(columns), .long(share),
      ])
  }

  /// Pairs (row, place in the list) of 32-bit integers, sorted by row and then by place.
  func sortedByRow(_ indices: StridedView, rows: Int) -> StridedView {
    let count = indices.count
    let pairs = scratch(.int32, [max(1, count), 2])
    guard count > 0 else { return pairs }
    let share = radixShare
    launchItems(
      "rows.cl", "row_keys", ceilDivide(count, share),
      [.buffer(indices), Self.list(indices), .buffer(pairs), .int(rows), .int(count), .int(share)])
    return sorted(pairs, keys: rows)
  }

  /// `list_t` of the kernels.
  static func list(_ view: StridedView) -> KernelArgument {
    .longs([view.offset, view.strides[0], Int(view.dtype.rawValue)])
  }

  /// `steps_t` of the kernels.
  static func steps(_ view: StridedView) -> KernelArgument {
    .longs([view.offset, view.strides[0], view.strides[1]])
  }
}
