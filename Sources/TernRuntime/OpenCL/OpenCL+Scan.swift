// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func scan(_ kind: Scan, axis: Int, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let extents = AxisExtents(x.shape, axis: axis)
    let source = around(x, axis: axis)
    let isInteger = !x.dtype.isFloatingPoint
    let definitions = ["KIND=\(kind.rawValue)", "INTEGER=\(isInteger ? 1 : 0)"]
    let cut = ScanCut(extents, isCPUDevice: isCPUDevice)
    let stateBytes = kind.givesPositions ? 16 : isInteger ? 8 : 4
    let states =
      cut.chunks > 1 ? allocate(byteCount: extents.lines * cut.chunks * stateBytes) : y.storage
    let inRows = !isCPUDevice && extents.inner == 1 && extents.count > 64
    func pass(totals: Bool) {
      launchItems(
        "scan.cl", inRows ? "scan_rows" : "scan_columns", definitions: definitions,
        inRows ? extents.outer * cut.chunks * groupSize : ceilDivide(extents.lines, cut.share) * cut.chunks,
        [
          .buffer(source.view), source.steps, .type(x), .buffer(y), .long(y.offset), .type(y),
          .longs([extents.outer, extents.count, extents.inner, cut.chunk, cut.chunks, cut.share]), .storage(states),
          .int(totals ? 1 : 0),
        ])
    }
    if cut.chunks > 1 {
      pass(totals: true)
      launchItems(
        "scan.cl", "scan_before", definitions: definitions, extents.lines,
        [.storage(states), .long(extents.lines), .long(extents.inner), .long(cut.chunks)])
    }
    pass(totals: false)
  }
}

/// How lines are cut into chunks: by their extents only, so that results never change.
struct ScanCut {
  let chunk, chunks: Int
  /// Lines of a work-item of a CPU device.
  let share: Int

  /// Elements that are worth a work-item, or a group.
  private static let work = 4096

  init(_ extents: AxisExtents, isCPUDevice: Bool) {
    // A second pass costs less than idle cores only where lines are few and long.
    let isLong = extents.count >= 4 * Self.work && extents.lines < (isCPUDevice ? 64 : 1024)
    chunk = isLong ? max(Self.work, ceilDivide(extents.count, 256)) : extents.count
    chunks = ceilDivide(extents.count, chunk)
    // Neighbouring lines make vectors of 16.
    share = isCPUDevice ? max(min(16, extents.inner), Self.work / chunk) : 1
  }
}
