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

extension AxisView {
  fileprivate var array: tern_axis_view {
    tern_axis_view(data: view.address, outer: outerStride, axis: axisStride, inner: innerStride)
  }

  fileprivate var positions: tern_axis_positions {
    tern_axis_positions(view: array, is_wide: view.dtype == .int64)
  }
}
