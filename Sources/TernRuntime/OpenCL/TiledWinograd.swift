// SPDX-License-Identifier: MIT

// Winograd convolutions on GPUs: `winograd_gpu.cl` around batched matrix products, a chunk of images at a time.

extension OpenCLBackend {
  func tiledWinograd(_ plan: WinogradPlan, w: StridedView, _ epilogue: Epilogue) {
    let bias = epilogue.bias
    let filters = scratch(plan.points * plan.groups * plan.outputs * plan.channels)
    launch(
      "winograd_gpu.cl", "winograd_filters", definitions: plan.definitions(source: w.dtype),
      global: [roundUp(plan.channels, to: 32), plan.outputs, plan.groups], local: [32, 1, 1],
      [.storage(w.storage), .storage(filters), .longs([plan.channels, plan.outputs] + plan.filters)])
    for images in winogradChunks(plan) {
      let part = plan.part(images)
      let values = tilePoints("winograd_points", part, part.source, part.channels, top: plan.top, left: plan.left)
      let products = scratch(plan.points * plan.groups * plan.outputs * part.tiles)
      gemm(
        GemmProblem(
          m: plan.outputs, n: part.tiles, k: plan.channels, outer: plan.points, inner: plan.groups,
          a: matrices(filters, plan, rows: plan.outputs, columns: plan.channels),
          b: matrices(values, plan, rows: plan.channels, columns: part.tiles),
          c: matrices(products, plan, rows: plan.outputs, columns: part.tiles)))
      let (result, outputs) = (part.result, plan.groups * plan.outputs)
      launch(
        "winograd_gpu.cl", "winograd_outputs",
        definitions: plan.definitions(result: result.dtype, epilogue),
        global: [roundUp(part.tiles, to: 64), outputs], local: [64, 1],
        [
          .storage(products), .storage(result.storage), .storage(bias?.storage ?? products),
          .longs([
            plan.tilesHeight, plan.tilesWidth, part.tiles, outputs, result.shape[2], result.shape[3], result.offset,
            bias?.offset ?? 0, bias?.strides[0] ?? 0, bias == nil ? 0 : 1,
          ]),
        ])
    }
  }

  func tiledWinogradWeightGradient(_ plan: WinogradPlan, into dw: StridedView) {
    let chunks = winogradChunks(plan)
    let filters = plan.points * plan.groups * plan.outputs * plan.channels
    let sums = scratch(chunks.count * filters)
    for (index, images) in chunks.enumerated() {
      let part = plan.part(images)
      let values = tilePoints("winograd_points", part, part.source, part.channels, top: plan.top, left: plan.left)
      let gradients = tilePoints("winograd_gradients", part, part.result, part.outputs, top: 0, left: 0)
      var sum = matrices(sums, plan, rows: plan.outputs, columns: plan.channels)
      sum.offset = index * filters
      gemm(
        GemmProblem(
          m: plan.outputs, n: plan.channels, k: part.tiles, outer: plan.points, inner: plan.groups,
          a: matrices(gradients, plan, rows: plan.outputs, columns: part.tiles),
          b: matrices(values, plan, rows: plan.channels, columns: part.tiles).transposed, c: sum))
    }
    launch(
      "winograd_gpu.cl", "winograd_weights", definitions: plan.definitions(result: dw.dtype),
      global: [roundUp(plan.channels, to: 32), plan.outputs, plan.groups], local: [32, 1, 1],
      [.storage(sums), .storage(dw.storage), .longs([plan.channels, plan.outputs, chunks.count, dw.offset])])
  }

  /// Images whose transformed tiles are in memory together.
  private func winogradChunks(_ plan: WinogradPlan) -> [Range<Int>] {
    let channels = plan.groups * max(plan.channels, plan.outputs)
    return imageChunks(plan.images, floatsPerImage: plan.points * channels * plan.tilesHeight * plan.tilesWidth)
  }

  /// All tiles transformed: `[point][group][channel][tile]`.
  private func tilePoints(
    _ kernel: String, _ plan: WinogradPlan, _ view: StridedView, _ groupChannels: Int, top: Int, left: Int
  ) -> Storage {
    let channels = plan.groups * groupChannels
    let target = scratch(plan.points * channels * plan.tiles)
    launch(
      "winograd_gpu.cl", kernel, definitions: plan.definitions(source: view.dtype),
      global: [roundUp(plan.tiles, to: 64), channels], local: [64, 1],
      [
        .storage(view.storage), .storage(target),
        .longs(
          [plan.tilesHeight, plan.tilesWidth, plan.tiles, channels, view.offset] + view.strides
            + [view.shape[2], view.shape[3], top, left]),
      ])
    return target
  }

  /// A matrix for each point and group.
  private func matrices(_ storage: Storage, _ plan: WinogradPlan, rows: Int, columns: Int) -> GemmOperand {
    GemmOperand(
      storage: storage, dtype: .float32, outer: plan.groups * rows * columns, inner: rows * columns, row: columns,
      column: 1)
  }
}
