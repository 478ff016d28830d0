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
}
