// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// The first few positions of every sorted line, found without a sort: see `topk.cl`.
  func firstPositions(
    _ cut: TopCut, _ extents: AxisExtents, kept: Int, axis: Int, descending: Bool, _ x: StridedView,
    into y: StridedView
  ) {
    let isWide = x.dtype == .int64
    let definitions = ["WIDE=\(isWide ? 1 : 0)"]
    let source = around(x, axis: axis)
    let candidates = cut.parts > 1 ? [extents.lines, cut.parts, kept] : [1]
    let (keys, places) = (scratch(isWide ? .int64 : .int32, candidates), scratch(.int32, candidates))
    let target: [KernelArgument] = [.buffer(y), .long(y.offset)]
    let plan = KernelArgument.longs([
      extents.lines, extents.count, extents.inner, cut.part, cut.parts, kept, cut.share,
    ])
    func launch(_ kernel: String, _ sets: Int, _ arguments: [KernelArgument]) {
      launchItems(
        "topk.cl", kernel, definitions: definitions, isCPUDevice ? sets : sets * groupSize, arguments + [plan])
    }
    launch(
      "topk_lines", ceilDivide(extents.lines, cut.share) * cut.parts,
      [.buffer(source.view), source.steps, .type(x), .int(descending ? 1 : 0)] + target
        + [.buffer(keys), .buffer(places)])
    if cut.parts > 1 { launch("topk_candidates", extents.lines, [.buffer(keys), .buffer(places)] + target) }
  }
}

/// How lines are cut to find their first few elements.
struct TopCut {
  let part, parts: Int
  /// Lines of a work-item of a CPU device.
  let share: Int

  /// Nil where so many elements are wanted that ranking or sorting all of them costs less.
  init?(_ extents: AxisExtents, kept: Int, isCPUDevice: Bool, groupSize: Int) {
    let n = extents.count
    // A work-item inserts, a group has a place for each of its items.
    guard kept <= min(isCPUDevice ? 64 : groupSize, n / 8), n < Int32.max else { return nil }
    // Short lines would leave most of a group idle; their elements count their ranks.
    guard isCPUDevice || n > 256 else { return nil }
    let isCut = extents.lines < (isCPUDevice ? 16 : 256) && n >= 1 << 14
    part = isCut ? max(1 << 13, ceilDivide(n, 64)) : n
    parts = ceilDivide(n, part)
    share = isCPUDevice ? max(1, 16384 / n) : 1
  }
}
