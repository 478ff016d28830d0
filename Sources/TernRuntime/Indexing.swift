// SPDX-License-Identifier: MIT

/// What a device must be able to do along one axis of a tensor: pick and add by position, accumulate, sort.
///
/// The rules of `Backend` hold. A *line* is what lies along the axis at one position of the other axes. Indices are
/// `int32` or `int64` and have been checked by nobody.
package protocol IndexingBackend: AnyObject, Sendable {
  /// `y[.., j, ..] = x[.., indices[.., j, ..], ..]`, for `indices` and dense `y` of one shape, which is that of `x`
  /// but for the axis. An index outside of the axis gives NaN (floating point) or 0.
  func gather(axis: Int, _ x: StridedView, _ indices: StridedView, into y: StridedView)

  /// `y[.., i, ..] = sum of x[.., j, ..] over j with indices[.., j, ..] == i`, summed in order of `j`, in Float32 or 64
  /// bits; dense `y`, zero elsewhere. An index outside of the axis adds to nothing. Not for `bool`.
  func scatterAdd(axis: Int, _ x: StridedView, _ indices: StridedView, into y: StridedView)

  /// Running results along the axis: `y[.., i, ..]` is made of `x[.., 0 ... i, ..]`. Dense `y` has `x`'s shape; its
  /// dtype is that of `x`, `int64` for sums and products of integers, and `int64` for positions.
  ///
  /// Floats accumulate in Float32 in blocks of 256, so that rounding errors hardly grow with the axis.
  func scan(_ kind: Scan, axis: Int, _ x: StridedView, into y: StridedView)

  /// The positions of a line's elements in ascending, or descending, order; equal ones keep theirs. NaN counts as the
  /// greatest. Dense `int64` `y` has `x`'s shape, but for an axis that may be shorter: it takes the first positions.
  func sortPositions(axis: Int, descending: Bool, _ x: StridedView, into y: StridedView)
}

/// What `IndexingBackend.scan` accumulates.
package enum Scan: UInt8, Sendable, CaseIterable {
  case sum, product
  /// The position of the greatest, or least, element so far; the first of equals, NaN counts as extreme.
  case maxPosition, minPosition

  package var givesPositions: Bool { self == .maxPosition || self == .minPosition }
}

/// A view as `[outer, axis, inner]`, where one stride leads through all axes before the axis and one through all after.
struct AxisView {
  let view: StridedView
  let outerStride, axisStride, innerStride: Int

  /// Fails where the axes on one side cannot be merged.
  init?(_ view: StridedView, axis: Int) {
    func stride(_ axes: Range<Int>) -> Int? {
      let part = view.viewed(shape: Array(view.shape[axes]), strides: Array(view.strides[axes]))
      let loop = CollapsedLoop([part], shape: part.shape)
      return loop.shape.count > 1 ? nil : loop.strides[0].first ?? 0
    }
    guard let outer = stride(0..<axis), let inner = stride(axis + 1..<view.shape.count) else { return nil }
    (self.view, outerStride, axisStride, innerStride) = (view, outer, view.strides[axis], inner)
  }
}

/// Extents of `[outer, axis, inner]`.
struct AxisExtents {
  let outer, count, inner: Int

  init(_ shape: [Int], axis: Int) {
    outer = elementCount(Array(shape[..<axis]))
    count = shape[axis]
    inner = elementCount(Array(shape[(axis + 1)...]))
  }

  /// Lines along the axis.
  var lines: Int { outer * inner }
}
