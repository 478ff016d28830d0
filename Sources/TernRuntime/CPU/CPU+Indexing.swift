// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func gather(axis: Int, _ x: StridedView, _ indices: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let (source, places) = (around(x, axis: axis), around(indices, axis: axis))
    let extents = tern_axis_extents(
      n: x.shape[axis], picked: y.shape[axis], inner: AxisExtents(y.shape, axis: axis).inner)
    let (view, positions, target) = (source.array, places.positions, y.address)
    let (width, missing) = (y.dtype.byteCount, UInt64(y.dtype.notANumber))
    forEachRange(y.count, elementsEach: 1) { first, count in
      var (view, positions) = (view, positions)
      tern_gather_axis(&view, &positions, extents, width, missing, target, first, first + count)
    }
    withExtendedLifetime((source, places)) {}
  }

  package func scatterAdd(axis: Int, _ x: StridedView, _ indices: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let isReal = y.dtype.isFloatingPoint
    let held: DType = isReal ? .float32 : .int64
    let source = around(x.dtype == held ? x : dense(x, as: held), axis: axis)
    let places = around(indices, axis: axis)
    let shape = AxisExtents(x.shape, axis: axis)
    let extents = tern_axis_extents(n: y.shape[axis], picked: shape.count, inner: shape.inner)
    let sums = y.dtype == held ? y : scratch(y.shape, held)
    let (view, positions, target) = (source.array, places.positions, sums.address)
    // Few sums would wait for each other in their buckets.
    let n = y.shape[axis]
    if shape.lines < 16 && min(shape.count, 4 * n) >= 1 << 16 && max(shape.count, n) < UInt32.max {
      scatterLong(shape, source, places, n: n, isReal: isReal, into: target)
      if sums.storage !== y.storage { convert(sums, into: y) }
      return
    }
    forEachRange(shape.lines, elementsEach: shape.count + y.shape[axis]) { first, count in
      var (view, positions) = (view, positions)
      if isReal {
        tern_scatter_axis(
          &view, &positions, extents, target.assumingMemoryBound(to: Float.self), first, first + count)
      } else {
        tern_scatter_axis_int(
          &view, &positions, extents, target.assumingMemoryBound(to: Int64.self), first, first + count)
      }
    }
    if sums.storage !== y.storage { convert(sums, into: y) }
    withExtendedLifetime((source, places)) {}
  }

  /// The view around an axis, copied where its strides are too many.
  func around(_ view: StridedView, axis: Int) -> AxisView {
    if let merged = AxisView(view, axis: axis) { return merged }
    let copy = scratch(view.shape, view.dtype)
    convert(view, into: copy)
    return AxisView(copy, axis: axis)!
  }
}

extension CPUBackend {
  /// Lines so few and long that each is the work of all threads: see `tern_scatter.h`. The order of every sum is that
  /// of the line.
  private func scatterLong(
    _ shape: AxisExtents, _ source: AxisView, _ places: AxisView, n: Int, isReal: Bool, into y: UnsafeMutableRawPointer
  ) {
    let (count, buckets, width) = (shape.count, Int(TERN_SCATTER_BUCKETS), isReal ? 4 : 8)
    let chunk = max(1 << 14, (count + 63) / 64)
    let chunks = (count + chunk - 1) / chunk
    // Slots of the elements, one count for each chunk and bucket, and where each bucket begins.
    let (slots, values) = (scratch([count], .int32), scratch([count * width / 4], .int32))
    let (counts, starts) = (scratch([chunks * buckets], .int32), scratch([buckets + 1], .int32))
    let (slot, value) = (slots.address.assumingMemoryBound(to: UInt32.self), values.address)
    let next = counts.address.assumingMemoryBound(to: UInt32.self)
    let start = starts.address.assumingMemoryBound(to: UInt32.self)
    for index in 0..<shape.lines {
      let (o, i) = (index / shape.inner, index % shape.inner)
      func first(_ view: AxisView) -> UnsafeMutableRawPointer {
        view.view.address + (o * view.outerStride + i * view.innerStride) * view.view.dtype.byteCount
      }
      let shift = max(0, Int.bitWidth - (n - 1).leadingZeroBitCount - buckets.trailingZeroBitCount)
      let line = tern_scatter_line(
        x: first(source), places: first(places), x_step: source.axisStride, place_step: places.axisStride,
        y_step: shape.inner, n: n, shift: UInt32(shift), is_wide: places.view.dtype == .int64)
      threads.run(chunks: chunks) { c in
        var line = line
        tern_scatter_count(&line, c * chunk, min(count, (c + 1) * chunk), next + c * buckets)
      }
      var total: UInt32 = 0
      for bucket in 0..<buckets {
        start[bucket] = total
        for place in stride(from: bucket, to: chunks * buckets, by: buckets) {
          (next[place], total) = (total, total + next[place])
        }
      }
      start[buckets] = total
      threads.run(chunks: chunks) { c in
        var line = line
        let (first, last) = (c * chunk, min(count, (c + 1) * chunk))
        if isReal {
          tern_scatter_spread(
            &line, first, last, next + c * buckets, slot, value.assumingMemoryBound(to: Float.self))
        } else {
          tern_scatter_spread_int(
            &line, first, last, next + c * buckets, slot, value.assumingMemoryBound(to: Int64.self))
        }
      }
      let target = y + (o * n * shape.inner + i) * width
      threads.run(chunks: buckets) { bucket in
        var line = line
        let (first, size) = (Int(start[bucket]), Int(start[bucket + 1] - start[bucket]))
        if isReal {
          tern_scatter_sum(
            &line, bucket, slot + first, value.assumingMemoryBound(to: Float.self) + first, size,
            target.assumingMemoryBound(to: Float.self))
        } else {
          tern_scatter_sum_int(
            &line, bucket, slot + first, value.assumingMemoryBound(to: Int64.self) + first, size,
            target.assumingMemoryBound(to: Int64.self))
        }
      }
    }
    withExtendedLifetime((slots, values, counts, starts, source, places)) {}
  }
}

extension AxisView {
  fileprivate var array: tern_axis_view {
    tern_axis_view(data: view.address, outer: outerStride, axis: axisStride, inner: innerStride)
  }

  fileprivate var positions: tern_axis_positions {
    tern_axis_positions(view: array, is_wide: view.dtype == .int64)
  }
}
