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
    let share = pairShare
    launchItems(
      "rows.cl", "row_keys", ceilDivide(count, share),
      [.buffer(indices), Self.list(indices), .buffer(pairs), .int(rows), .int(count), .int(share)])
    return sorted(pairs, keys: rows)
  }

  /// Pairs of a chunk. It has one counter for each digit, so it must hold several times as many pairs.
  private var pairShare: Int { isCPUDevice ? 4096 : 64 }

  /// Dense pairs (key, place) `[n, 2]` of 32-bit integers with keys in `0 ... keys`, sorted by key; pairs of one key
  /// stay in order. What was given is used as working memory.
  func sorted(_ pairs: StridedView, keys: Int) -> StridedView {
    let (count, share) = (pairs.shape[0], pairShare)
    let digitBits = isCPUDevice ? 8 : 4  // DIGIT_BITS
    let chunks = ceilDivide(count, share)
    let counters = chunks << digitBits
    var (pairs, other) = (pairs, scratch(.int32, [count, 2]))
    let counts = scratch(.int32, [counters])
    func launch(_ kernel: String, _ items: Int, _ arguments: [KernelArgument]) {
      launchItems("rows.cl", kernel, items, arguments)
    }
    let keyBits = Int.bitWidth - keys.leadingZeroBitCount
    for shift in stride(from: 0, to: keyBits, by: digitBits) {
      let parameters: [KernelArgument] = [.int(count), .int(shift), .int(share), .int(chunks)]
      launch("digit_counts", chunks, [.buffer(pairs), .buffer(counts)] + parameters)
      launch("digit_starts", isCPUDevice ? 1 : groupSize, [.buffer(counts), .int(counters)])
      launch("digit_places", chunks, [.buffer(pairs), .buffer(other), .buffer(counts)] + parameters)
      swap(&pairs, &other)
    }
    return pairs
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
