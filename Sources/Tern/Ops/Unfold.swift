// SPDX-License-Identifier: MIT
import TernRuntime

/// The windows of images as columns of a matrix ("im2col").
///
///     y[n, (c * kH + u) * kW + v, i * outW + j] = x[n, c, i * stride + u * dilation - padding, …]
///
/// Positions in the padding are zeros. A convolution is a product of this with its weights; use `conv2d` for that,
/// which needs no such copy.
///
/// - Parameters:
///   - x: `[N, C, H, W]`, floating point.
///   - window: height and width; an integer literal for a square.
///   - stride: rows and columns from one window to the next.
///   - padding: zeros around the images.
///   - dilation: rows and columns from one element of a window to the next.
/// - Returns: `[N, C * kH * kW, outH * outW]` with `outH = (H + 2 * padding - dilation * (kH - 1) - 1) / stride + 1`,
///   rounded down. Differentiable any number of times.
/// - Precondition: the window fits the padded images.
public func unfold(_ x: Tensor, window: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) -> Tensor {
  requireFloatingPoint("unfold", x)
  return unfolded(
    UnfoldGeometry("unfold", planes: x.shape, window, stride: stride, padding: padding, dilation: dilation), x)
}

/// Adds columns up to images ("col2im"): each position gets the sum of what `unfold` would have copied from it.
///
/// - Parameters:
///   - x: `[N, C * kH * kW, outH * outW]`, floating point, as `unfold` gives it.
///   - outputSize: height and width of the images.
///   - window: height and width; an integer literal for a square.
///   - stride: rows and columns from one window to the next.
///   - padding: zeros around the images, whose columns are left out.
///   - dilation: rows and columns from one element of a window to the next.
/// - Returns: `[N, C, outputSize.height, outputSize.width]`. Differentiable any number of times.
/// - Precondition: `x` has as many columns as there are windows, and a multiple of `kH * kW` rows.
public func fold(
  _ x: Tensor, outputSize: Pair, window: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
) -> Tensor {
  requireFloatingPoint("fold", x)
  require(x.rank == 3, "fold: columns must be [N, C * kH * kW, windows], got \(x.shape)")
  let taps = max(1, window.height * window.width)
  let geometry = UnfoldGeometry(
    "fold", planes: [x.shape[0], x.shape[1] / taps, outputSize.height, outputSize.width], window, stride: stride,
    padding: padding, dilation: dilation)
  require(
    x.shape[1] % taps == 0 && x.shape[2] == geometry.output.height * geometry.output.width,
    "fold: columns \(x.shape) for windows of \(window.height)x\(window.width) and images "
      + "\(outputSize.height)x\(outputSize.width): expected a multiple of \(taps) rows and "
      + "\(geometry.output.height)x\(geometry.output.width) columns")
  return folded(geometry, x)
}

extension UnfoldGeometry {
  fileprivate init(
    _ operation: String, planes: [Int], _ window: Pair, stride: Pair, padding: Pair, dilation: Pair
  ) {
    func extent(_ pair: Pair) -> Extent { Extent(pair.height, pair.width) }
    self.init(
      operation, planes: planes, kernel: extent(window), stride: extent(stride), padding: extent(padding),
      dilation: extent(dilation))
  }

  /// The columns as a matrix for each image.
  fileprivate var matrixShape: [Int] {
    [batch, channels * kernel.height * kernel.width, output.height * output.width]
  }

  /// Such matrices as windows.
  fileprivate func windows(_ columns: StridedView) -> StridedView {
    let (row, column) = (columns.strides[1], columns.strides[2])
    return columns.viewed(
      shape: columnShape,
      strides: [
        columns.strides[0], row * kernel.height * kernel.width, row * kernel.width, row, column * output.width, column,
      ])
  }
}

private func unfolded(_ geometry: UnfoldGeometry, _ x: Tensor) -> Tensor {
  .record(
    "unfold", shape: geometry.matrixShape, dtype: x.dtype, from: [x], saving: .none,
    compute: { backend, inputs, y in backend.unfold(geometry, inputs[0], into: geometry.windows(y)) },
    pullback: { gradient, _ in [folded(geometry, gradient)] })
}

private func folded(_ geometry: UnfoldGeometry, _ columns: Tensor) -> Tensor {
  .record(
    "fold", shape: geometry.planeShape, dtype: columns.dtype, from: [columns], saving: .none,
    compute: { backend, inputs, x in backend.fold(geometry, geometry.windows(inputs[0]), into: x) },
    pullback: { gradient, _ in [unfolded(geometry, gradient)] })
}
