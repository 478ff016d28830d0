// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func bags(
    _ plan: Bags, table: StridedView, indices: StridedView, offsets: StridedView, shares: StridedView?,
    into y: StridedView, positions: StridedView?
  ) {
    guard y.count > 0 else { return }
    launchItems(
      "bags.cl", "bag_rows", isCPUDevice ? y.shape[0] : y.count,
      [
        sizes(plan, table.shape, indices, offsets), .buffer(table.count > 0 ? table : y), .long(table.offset),
        .long(table.strides[0]), .long(table.strides[1]), .type(table), .buffer(indices), .buffer(offsets),
        .buffer(shares ?? y), .buffer(y), .long(y.offset), .type(y), .buffer(positions ?? y),
        .long(positions?.offset ?? 0),
      ])
  }

  package func bagEntries(
    _ plan: Bags, indices: StridedView, offsets: StridedView, weights: StridedView?, bags: StridedView,
    shares: StridedView
  ) {
    guard indices.count > 0 else { return }
    pointwise(.fill(.integer(-1), dtype: .int32), [PointwiseOperands(inputs: [], outputs: [bags])])
    pointwise(.fill(.real(0), dtype: .float32), [PointwiseOperands(inputs: [], outputs: [shares])])
    launchItems(
      "bags.cl", "bag_entries", offsets.count,
      [
        sizes(plan, [0, 0], indices, offsets), .buffer(indices), .buffer(offsets), .buffer(weights ?? shares),
        .long(weights == nil ? 0 : 1), .long(weights?.offset ?? 0), .long(weights?.strides[0] ?? 0), .buffer(bags),
        .buffer(shares),
      ])
  }

  package func bagGradient(
    _ plan: Bags, dy: StridedView, indices: StridedView, bags: StridedView, shares: StridedView,
    positions: StridedView?, into dTable: StridedView
  ) {
    guard dTable.count > 0 else { return }
    let (rows, count) = (dTable.shape[0], indices.count)
    require(
      rows < Int32.max && count < Int32.max,
      "embeddingBag: \(count) indices into \(rows) rows, expected fewer than \(Int32.max) of each")
    let sorted = sortedByRow(indices, rows: rows)
    launchItems(
      "bags.cl", "bag_row_sums", isCPUDevice ? rows : dTable.count,
      [
        sizes(plan, dTable.shape, indices, bags), .buffer(dy.count > 0 ? dy : dTable), .long(dy.offset),
        .long(dy.strides[0]), .long(dy.strides[1]), .type(dy), .buffer(sorted), .buffer(count > 0 ? bags : sorted),
        .buffer(count > 0 ? shares : sorted), .buffer(positions.map { $0.count > 0 ? $0 : sorted } ?? sorted),
        .long(positions?.offset ?? 0), .buffer(dTable), .long(dTable.offset), .type(dTable),
      ])
  }

  /// `bags_t` of the kernels.
  private func sizes(_ plan: Bags, _ table: [Int], _ indices: StridedView, _ offsets: StridedView) -> KernelArgument {
    .longs([
      indices.count, offsets.count, table[0], table[1], plan.mode.rawValue, plan.paddingIndex ?? -1, indices.offset,
      indices.strides[0], Int(indices.dtype.rawValue), offsets.offset, offsets.strides[0],
    ])
  }
}
