// SPDX-License-Identifier: MIT

/// What is done to images beside convolution and pooling: a family of operations beside `Backend`, under the same
/// rules. Gradients that scatter are computed by what owns the result, in a fixed order.
package protocol SpatialBackend: AnyObject, Sendable {
  /// Copies the windows of planes, see `UnfoldGeometry`. Views may have any strides, which lets columns of any layout
  /// be written; `x` and `columns` are of one floating-point dtype.
  func unfold(_ geometry: UnfoldGeometry, _ x: StridedView, into columns: StridedView)
  /// Adds up what was unfolded from each position, over `u`, then `v`: the gradient of `unfold`. Rows of `x` are dense
  /// and follow one another; images and channels may have any strides.
  func fold(_ geometry: UnfoldGeometry, _ columns: StridedView, into x: StridedView)

  /// Applies a linear map along each of the last two axes of `x` `[N, C, h, w]`; one that is nil copies its axis:
  ///
  ///     y[n, c, i, j] = sum over k of i's terms, l of j's terms of rows[k] * columns[l] * x[n, c, place k, place l]
  ///
  /// `y` is dense, of any floating-point dtype. The gradient is the same with both maps transposed.
  func resample(rows: AxisMap?, columns: AxisMap?, _ x: StridedView, into y: StridedView)

  /// Samples images at the points of a grid, see `GridSampling`; `y` is dense.
  func gridSample(_ plan: GridSampling, _ x: StridedView, _ grid: StridedView, into y: StridedView)
  /// The gradient with respect to the images: dense `dx`, each element summed in order of the points.
  func gridSampleInputGradient(
    _ plan: GridSampling, _ dy: StridedView, _ grid: StridedView, into dx: StridedView)
  /// The gradient with respect to the grid: dense `dgrid`.
  func gridSampleGridGradient(
    _ plan: GridSampling, _ dy: StridedView, _ x: StridedView, _ grid: StridedView, into dgrid: StridedView)
}
