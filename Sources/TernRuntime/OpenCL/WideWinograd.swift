// SPDX-License-Identifier: MIT

// Winograd convolutions on devices of type CPU: `winograd_cpu.cl` and `winograd_weights_cpu.cl`.

/// Sizes that the kernels share with the host.
struct WideWinograd {
  let plan: WinogradPlan
  let shape: WideShape
  /// Tiles that a register tile takes.
  var rows: Int { Self.rows(shape) }
  /// Outputs of a panel.
  var panel: Int { 2 * shape.vector }
  var panels: Int { ceilDivide(plan.outputs, panel) }
  /// Floats of a transformed tile's channels; never a multiple of a page, where tiles would share a set of the cache.
  var channelPitch: Int { roundUp(plan.channels, to: shape.vector) + shape.vector }
  var outputPitch: Int { roundUp(plan.outputs, to: shape.vector) + shape.vector }

  static func rows(_ shape: WideShape) -> Int { shape.vector == 16 ? 8 : 6 }

  /// A panel of products of the fewest tiles.
  static func leastLocalMemory(tile: Int, _ shape: WideShape) -> Int {
    (tile + 2) * (tile + 2) * rows(shape) * 2 * shape.vector * MemoryLayout<Float>.size
  }

  /// Bytes for `floats` of each point of each tile of a block.
  func bytes(_ tiles: Int, _ floats: Int) -> Int { plan.points * tiles * floats * MemoryLayout<Float>.size }

  /// Images whose transformed tiles take 32 MiB, or one.
  func chunks(on backend: OpenCLBackend) -> [Range<Int>] {
    let floats = plan.points * plan.groups * plan.tilesHeight * plan.tilesWidth * max(channelPitch, outputPitch)
    return backend.imageChunks(plan.images, floatsPerImage: floats, bytes: 32 << 20)
  }

  func part(_ images: Range<Int>) -> WideWinograd { WideWinograd(plan: plan.part(images), shape: shape) }

  /// `image_t` of what is read, for blocks of `tiles`.
  func source(tiles: Int) -> KernelArgument {
    image(plan.source, channels: plan.channels, top: plan.top, left: plan.left, tiles: tiles)
  }

  /// `image_t` of the result's gradient.
  func gradient(tiles: Int) -> KernelArgument {
    image(plan.result, channels: plan.outputs, top: 0, left: 0, tiles: tiles)
  }

  private func image(_ view: StridedView, channels: Int, top: Int, left: Int, tiles: Int) -> KernelArgument {
    .longs([
      plan.tilesHeight, plan.tilesWidth, plan.tiles, tiles, plan.groups, channels,
      view.offset, view.strides[0], view.strides[1], view.strides[2], view.shape[2], view.shape[3], top, left,
    ])
  }

  /// `points_t`: distances between points, groups and tiles.
  func placement(_ pitch: Int) -> KernelArgument {
    .longs([plan.groups * plan.tiles * pitch, plan.tiles * pitch, pitch])
  }

  func definitions(source: DType = .float32, result: DType = .float32, _ epilogue: Epilogue = Epilogue()) -> [String] {
    [shape.definition] + plan.definitions(source: source, result: result, epilogue)
  }
}

extension OpenCLBackend {
  func wideWinograd(_ plan: WinogradPlan, w: StridedView, _ epilogue: Epilogue) {
    let bias = epilogue.bias
    var plan = plan
    plan.source = floatRows(plan.source)
    let sizes = WideWinograd(plan: plan, shape: wideShape)
    let filters = transformedFilters(sizes, w)
    let definitions = sizes.definitions(result: plan.result.dtype, epilogue)
    let others: [KernelArgument] = [
      .storage(filters), .storage(plan.result.storage), .storage(bias?.storage ?? plan.result.storage),
    ]
    func result(_ plan: WinogradPlan, tiles: Int) -> KernelArgument {
      .longs([
        plan.outputs, plan.result.shape[2], plan.result.shape[3], plan.result.offset, tiles * sizes.panel,
        sizes.channelPitch, bias?.offset ?? 0, bias?.strides[0] ?? 0, bias == nil ? 0 : 1,
      ])
    }
    // Two register tiles: more would not fit the second-level cache beside the filters.
    let tiles = 2 * sizes.rows
    let blocks = ceilDivide(plan.tiles, tiles)
    let (values, products) = (sizes.bytes(tiles, sizes.channelPitch), sizes.bytes(tiles, sizes.panel))
    if values + products <= min(localMemoryBytes, 768 << 10), blocks * plan.groups >= 2 * computeUnits {
      launch(
        "winograd_cpu.cl", "winograd_fused", definitions: definitions, global: [blocks, plan.groups], local: [1, 1],
        [.storage(plan.source.storage)] + others
          + [.local(values), .local(products), sizes.source(tiles: tiles), result(plan, tiles: tiles)])
      return
    }
    // Either form adds up the same products in the same order.
    let fits = sizes.bytes(4 * sizes.rows, sizes.panel) <= min(localMemoryBytes, 512 << 10)
    for images in sizes.chunks(on: self) {
      let part = sizes.part(images)
      let wide = min(fits ? 4 * sizes.rows : sizes.rows, roundUp(part.plan.tiles, to: sizes.rows))
      let points = transformedTiles(
        "winograd_points", part, part.plan.source, sizes.channelPitch
      ) { part.source(tiles: $0) }
      launch(
        "winograd_cpu.cl", "winograd_panel", definitions: definitions,
        global: [ceilDivide(part.plan.tiles, wide), sizes.panels, plan.groups], local: [1, 1, 1],
        [.storage(points)] + others + [
          .local(sizes.bytes(wide, sizes.panel)), part.source(tiles: wide), result(part.plan, tiles: wide),
          part.placement(sizes.channelPitch),
        ])
    }
  }

  func wideWinogradWeightGradient(_ plan: WinogradPlan, into dw: StridedView) {
    var plan = plan
    (plan.source, plan.result) = (floatRows(plan.source), floatRows(plan.result))
    let sizes = WideWinograd(plan: plan, shape: wideShape)
    let line = roundUp(plan.channels, to: sizes.shape.vector)
    let filter = plan.outputs * line
    let sum = plan.points * plan.groups * filter
    let tiles = 2 * sizes.rows
    let (values, gradients) = (sizes.bytes(tiles, sizes.channelPitch), sizes.bytes(tiles, sizes.outputPitch))
    // By the shape and the device only: the number of partial sums decides how they are rounded.
    if values + gradients <= localMemoryBytes, sum * MemoryLayout<Float>.size <= 1 << 20 {
      let blocks = ceilDivide(plan.tiles, tiles)
      let perItem = ceilDivide(blocks, max(1, min(blocks, 32, (2 << 20) / sum)))
      let items = ceilDivide(blocks, perItem)
      let sums = scratch(items * sum)
      launch(
        "winograd_weights_cpu.cl", "winograd_sums", definitions: sizes.definitions(), global: [items, plan.groups],
        local: [1, 1],
        [
          .storage(plan.source.storage), .storage(plan.result.storage), .storage(sums), .local(values),
          .local(gradients), sizes.source(tiles: tiles), sizes.gradient(tiles: tiles),
          .longs([perItem, sizes.channelPitch, sizes.outputPitch, line]),
        ])
      return weights(sizes, sums, into: dw, [items, sum, plan.points * filter, filter, line])
    }
    let chunks = sizes.chunks(on: self)
    let sums = scratch(chunks.count * sum)
    for (index, images) in chunks.enumerated() {
      let part = sizes.part(images)
      let tiles = part.plan.tiles
      let points = transformedTiles(
        "winograd_points", part, part.plan.source, sizes.channelPitch
      ) { part.source(tiles: $0) }
      let gradients = transformedTiles(
        "winograd_gradients", part, part.plan.result, sizes.outputPitch
      ) { part.gradient(tiles: $0) }
      func operand(_ storage: Storage, _ pitch: Int) -> GemmOperand {
        GemmOperand(
          storage: storage, dtype: .float32, outer: plan.groups * tiles * pitch, inner: tiles * pitch, row: pitch,
          column: 1)
      }
      gemm(
        GemmProblem(
          m: plan.outputs, n: line, k: tiles, outer: plan.points, inner: plan.groups,
          a: operand(gradients, sizes.outputPitch).transposed, b: operand(points, sizes.channelPitch),
          c: GemmOperand(
            storage: sums, dtype: .float32, offset: index * sum, outer: plan.groups * filter, inner: filter, row: line,
            column: 1)))
    }
    weights(sizes, sums, into: dw, [chunks.count, sum, filter, plan.groups * filter, line])
  }

  /// - Parameter sums: how many, then distances between sums, groups, points and outputs.
  private func weights(_ sizes: WideWinograd, _ storage: Storage, into dw: StridedView, _ sums: [Int]) {
    let plan = sizes.plan
    launch(
      "winograd_weights_cpu.cl", "winograd_weights", definitions: sizes.definitions(result: dw.dtype),
      global: [ceilDivide(plan.channels, sizes.shape.vector), plan.outputs, plan.groups], local: [1, 1, 1],
      [.storage(storage), .storage(dw.storage), .longs([plan.channels, plan.outputs] + sums + [dw.offset])])
  }

  private func transformedFilters(_ sizes: WideWinograd, _ w: StridedView) -> Storage {
    let plan = sizes.plan
    let target = scratch(plan.groups * sizes.panels * plan.points * plan.channels * sizes.panel)
    let perItem = 8
    launch(
      "winograd_cpu.cl", "winograd_filters", definitions: sizes.definitions(source: w.dtype),
      global: [sizes.panels, ceilDivide(plan.channels, perItem), plan.groups], local: [1, 1, 1],
      [.storage(w.storage), .storage(target), .longs([plan.channels, plan.outputs, perItem] + plan.filters)])
    return target
  }

  /// All tiles transformed: `[point][group][tile][channel]`.
  ///
  /// - Parameter image: `image_t` for blocks of so many tiles.
  private func transformedTiles(
    _ kernel: String, _ sizes: WideWinograd, _ view: StridedView, _ pitch: Int, image: (Int) -> KernelArgument
  ) -> Storage {
    let plan = sizes.plan
    let target = scratch(plan.points * plan.groups * plan.tiles * pitch)
    let perItem = min(16, max(1, plan.tiles / (8 * computeUnits)))
    launch(
      kernel == "winograd_points" ? "winograd_cpu.cl" : "winograd_weights_cpu.cl", kernel,
      definitions: sizes.definitions(),
      global: [ceilDivide(plan.tiles, perItem), plan.groups], local: [1, 1],
      [.storage(view.storage), .storage(target), image(perItem), sizes.placement(pitch)])
    return target
  }

  /// The view itself if its rows are Float32 elements side by side, else a dense copy that is.
  func floatRows(_ view: StridedView) -> StridedView {
    view.dtype == .float32 && (view.strides[3] == 1 || view.shape[3] == 1) ? view : denseFloats(view)
  }
}
