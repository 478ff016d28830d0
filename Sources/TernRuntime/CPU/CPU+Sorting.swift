// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func sortPositions(axis: Int, descending: Bool, _ x: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let isReal = x.dtype.isFloatingPoint
    let numbers = dense(x, as: isReal ? .float32 : .int64)
    let extents = AxisExtents(x.shape, axis: axis)
    let (n, kept, inner) = (extents.count, y.shape[axis], extents.inner)
    require(n < UInt32.max, "sorted: an axis of \(n) elements, expected fewer than \(UInt32.max)")
    let width = isReal ? 4 : 8
    let (source, target) = (numbers.address, y.address.assumingMemoryBound(to: Int64.self))

    /// Keys of elements `first ..< last` of a line.
    func makeKeys(_ line: Int, _ first: Int, _ last: Int, _ keys: UnsafeMutableRawPointer) {
      let start = (line / inner * n + first) * inner + line % inner
      if isReal {
        tern_sort_keys(
          source.assumingMemoryBound(to: Float.self) + start, inner, last - first, descending,
          keys.assumingMemoryBound(to: UInt32.self))
      } else {
        tern_sort_keys_int(
          source.assumingMemoryBound(to: Int64.self) + start, inner, last - first, descending,
          keys.assumingMemoryBound(to: UInt64.self))
      }
    }
    func store(_ order: UnsafePointer<UInt32>, _ line: Int, _ range: Range<Int>) {
      let start = line / inner * kept * inner + line % inner
      for i in range { target[start + i * inner] = Int64(order[i]) }
    }

    if n >= 1 << 16 && extents.lines < 16 && kept > Self.fewest(of: n) {
      for line in 0..<extents.lines {
        let order = sortLong(n, width, { makeKeys(line, $0, $1, $2) })
        forEachRange(kept, elementsEach: 1) { store(order.words, line, $0..<$0 + $1) }
      }
    } else {
      forEachRange(extents.lines, elementsEach: 4 * n) { first, count in
        ScratchPool.shared.withFloats(n * (2 * width / 4 + 2)) { memory in
          let keys = UnsafeMutableRawPointer(memory)
          let spare = keys + n * width
          let order = (spare + n * width).assumingMemoryBound(to: UInt32.self)
          for line in first..<first + count {
            makeKeys(line, 0, n, keys)
            if kept <= Self.fewest(of: n) {
              tern_sort_least(!isReal, keys, n, kept, spare, order)
            } else {
              tern_sort_run(!isReal, keys, order, n, 0, spare, order + n)
            }
            store(order, line, 0..<kept)
          }
        }
      }
    }
    withExtendedLifetime(numbers) {}
  }

  /// So few of `n` elements that inserting them beats sorting all.
  private static func fewest(of n: Int) -> Int { min(64, n / 8) }

  /// The order of one long line: runs sorted apart, then merged two by two, each merge cut into ranges of its result.
  private func sortLong(
    _ n: Int, _ width: Int, _ makeKeys: (Int, Int, UnsafeMutableRawPointer) -> Void
  ) -> StridedView {
    let run = 1 << 14
    let isWide = width == 8
    var (keys, spareKeys) = (scratch([n * width / 4], .int32), scratch([n * width / 4], .int32))
    var (order, spareOrder) = (scratch([n], .int32), scratch([n], .int32))
    do {
      let (keys, spare, order, spareOrder) = (keys.address, spareKeys.address, order.words, spareOrder.words)
      threads.run(chunks: (n + run - 1) / run) { chunk in
        let (first, last) = (chunk * run, min(n, chunk * run + run))
        makeKeys(first, last, keys + first * width)
        tern_sort_run(
          isWide, keys + first * width, order + first, last - first, UInt32(first), spare + first * width,
          spareOrder + first)
      }
    }
    var sorted = run
    while sorted < n {
      let (from, to) = (keys.address, spareKeys.address)
      let (fromOrder, toOrder) = (order.words, spareOrder.words)
      let length = 2 * sorted
      threads.run(chunks: (n + run - 1) / run) { chunk in
        // Runs have the length of a chunk times a power of two, so a chunk of the result lies in one merge.
        let start = chunk * run / length * length
        let end = min(n, start + length)
        let first = chunk * run - start
        tern_sort_merge(
          isWide, from + start * width, fromOrder + start, min(sorted, end - start), end - start, to + start * width,
          toOrder + start, first, min(first + run, end - start))
      }
      swap(&keys, &spareKeys)
      swap(&order, &spareOrder)
      sorted = length
    }
    return order
  }
}

extension StridedView {
  fileprivate var words: UnsafeMutablePointer<UInt32> { address.assumingMemoryBound(to: UInt32.self) }
}
