// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func gather(axis: Int, _ x: StridedView, _ indices: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let extents = AxisExtents(y.shape, axis: axis)
    let (source, places) = (around(x, axis: axis), around(indices, axis: axis))
    launchElements(
      "indexing.cl", "gather_axis", y.count, share: 8192,
      [
        .buffer(x.count > 0 ? source.view : y), source.steps, .type(x), .buffer(places.view), places.steps,
        .type(indices), .buffer(y), .long(y.offset), .long(x.shape[axis]), .long(extents.count), .long(extents.inner),
      ])
  }

  package func scatterAdd(axis: Int, _ x: StridedView, _ indices: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    guard x.count > 0 else {
      let scalar: PointwiseProgram.Scalar = y.dtype.isFloatingPoint ? .real(0) : .integer(0)
      return pointwise(.fill(scalar, dtype: y.dtype), [PointwiseOperands(inputs: [], outputs: [y])])
    }
    let isInteger = !y.dtype.isFloatingPoint
    let extents = AxisExtents(x.shape, axis: axis)
    let places = around(indices, axis: axis)
    // Lines that are too few for a GPU are too long for one work-item each; their elements are sorted.
    let isSortable = !isCPUDevice && !isInteger && y.count < Int32.max && x.count < Int32.max
    if extents.lines < 4096 && x.count > 4096 && isSortable {
      return scatterSorted(x.isContiguous ? x : dense(x), places, extents, rows: y.shape[axis], into: y)
    }
    let source = around(x, axis: axis)
    let held: DType = isInteger ? .int64 : .float32
    let sums = y.dtype == held ? y : scratch(held, y.shape)
    let share = max(1, 8192 / max(1, extents.count + y.shape[axis]))
    launchElements(
      "indexing.cl", "scatter_axis", definitions: isInteger ? ["INTEGER=1"] : [], extents.lines, share: share,
      [
        .buffer(source.view), source.steps, .type(x), .buffer(places.view), places.steps, .type(indices),
        .buffer(sums), .long(sums.offset), .long(y.shape[axis]), .long(extents.count), .long(extents.inner),
      ])
    if sums.dtype != y.dtype { copy(sums, into: y) }
  }

  /// Sorts all elements of dense `x` by where they go, and adds up what goes to the same place.
  private func scatterSorted(
    _ x: StridedView, _ places: AxisView, _ extents: AxisExtents, rows: Int, into y: StridedView
  ) {
    let keys = scratch(.int64, [x.count])
    launchElements(
      "indexing.cl", "scatter_keys", x.count,
      [
        .buffer(places.view), places.steps, .type(places.view), .buffer(keys), .long(rows), .long(extents.count),
        .long(extents.inner),
      ])
    scatterAddRows(
      x.viewed(shape: [x.count, 1], strides: [1, 1]), keys, into: y.viewed(shape: [y.count, 1], strides: [1, 1]))
  }
}
