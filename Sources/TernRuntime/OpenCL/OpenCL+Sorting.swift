// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// The longest line whose elements count their ranks: n comparisons for each cost less than the launches of a sort by
  /// digits.
  private static let longestRanked = 256

  package func sortPositions(axis: Int, descending: Bool, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let extents = AxisExtents(x.shape, axis: axis)
    let (n, kept, count) = (extents.count, y.shape[axis], x.count)
    if let cut = TopCut(extents, kept: kept, isCPUDevice: isCPUDevice, groupSize: groupSize) {
      return firstPositions(cut, extents, kept: kept, axis: axis, descending: descending, x, into: y)
    }
    let isWide = x.dtype == .int64
    let definitions = ["WIDE=\(isWide ? 1 : 0)"]
    let source = around(x, axis: axis)
    let keys = scratch(isWide ? .int64 : .int32, [count])
    func launch(_ kernel: String, share: Int = 4096, _ arguments: [KernelArgument]) {
      launchElements("sort.cl", kernel, definitions: definitions, count, share: share, arguments)
    }
    launch(
      "sort_keys",
      [
        .buffer(source.view), source.steps, .type(x), .buffer(keys), .long(n), .long(extents.inner),
        .int(descending ? 1 : 0),
      ])
    let target: [KernelArgument] = [.buffer(y), .long(y.offset)]
    guard n > Self.longestRanked else {
      return launch(
        "sort_ranks", share: max(1, 16384 / n),
        [.buffer(keys)] + target + [.long(n), .long(kept), .long(extents.inner)])
    }
    require(count < Int32.max, "sorted: \(count) elements, expected fewer than \(Int32.max) on \(info.name)")
    var pairs = scratch(.int32, [count, 2])
    // By the words of the key, the low one first, then by line; every sort keeps the order of the one before.
    for word in isWide ? [0, 1, 2] : [0, 2] where word != 2 || extents.lines > 1 {
      launch("sort_pairs", [.buffer(keys), .buffer(pairs), .int(n), .int(word), .int(word)])
      pairs = sortedByKey(pairs, bits: word == 2 ? Int.bitWidth - (extents.lines - 1).leadingZeroBitCount : 32)
    }
    launch("sort_places", [.buffer(pairs)] + target + [.int(n), .long(kept), .long(extents.inner)])
  }
}
