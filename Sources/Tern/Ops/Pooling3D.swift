// SPDX-License-Identifier: MIT
import TernRuntime

// Maxima and sums of boxes are those, along the depth, of the maxima and sums of rectangles. So slices are pooled as
// planes, and then columns of what that gives, as planes again, `[D, outH * outW]`: `kH * kW + kD / (sH * sW)` taps for
// each result instead of `kD * kH * kW`.

/// The largest value of each box of a volume. Padding counts as minus infinity, NaN wins, and the gradient goes to the
/// first maximum.
///
/// - Parameters:
///   - x: `[N, C, D, H, W]`.
///   - stride: the window's size when nil.
///   - padding: at most half of the window.
///   - dilation: elements from one element of a window to the next.
///   - roundsUp: also pools last, partial windows.
/// - Returns: `[N, C, outD, outH, outW]`.
public func maxPool3d(
  _ x: Tensor, window: Triple, stride: Triple? = nil, padding: Triple = 0, dilation: Triple = 1,
  roundsUp: Bool = false
) -> Tensor {
  let name = "maxPool3d"
  requireVolume(name, x)
  let stride = stride ?? window
  return pooledVolume(
    x,
    slices: {
      PoolingGeometry(
        name, input: $0, kernel: (window.height, window.width), stride: (stride.height, stride.width),
        padding: (padding.height, padding.width), dilation: (dilation.height, dilation.width), roundsUp: roundsUp)
    },
    columns: {
      PoolingGeometry(
        name, input: $0, kernel: (window.depth, 1), stride: (stride.depth, 1), padding: (padding.depth, 0),
        dilation: (dilation.depth, 1), roundsUp: roundsUp)
    }, by: { geometry, x, _ in maxPooled(name, geometry, x) })
}

/// The mean of each box of a volume.
///
/// - Parameters:
///   - x: `[N, C, D, H, W]`.
///   - stride: the window's size when nil.
///   - padding: zeros on each side, at most half of the window.
///   - countsPadding: whether padding counts in the divisor.
///   - divisor: what every sum is divided by instead of the count of its elements.
///   - roundsUp: also pools last, partial windows; what lies beyond the padding never counts.
/// - Returns: `[N, C, outD, outH, outW]`.
public func averagePool3d(
  _ x: Tensor, window: Triple, stride: Triple? = nil, padding: Triple = 0, countsPadding: Bool = true,
  divisor: Int? = nil, roundsUp: Bool = false
) -> Tensor {
  let name = "averagePool3d"
  requireVolume(name, x)
  let stride = stride ?? window
  return pooledVolume(
    x,
    slices: {
      PoolingGeometry(
        name, input: $0, kernel: (window.height, window.width), stride: (stride.height, stride.width),
        padding: (padding.height, padding.width), countsPadding: countsPadding, divisor: divisor.map { _ in 1 },
        roundsUp: roundsUp)
    },
    columns: {
      PoolingGeometry(
        name, input: $0, kernel: (window.depth, 1), stride: (stride.depth, 1), padding: (padding.depth, 0),
        countsPadding: countsPadding, divisor: divisor, roundsUp: roundsUp)
    }, by: averagePooled)
}

/// The mean of each of `outputSize` boxes that cover a volume evenly, along each axis as `adaptiveAveragePool1d` has
/// them.
///
/// - Parameters:
///   - x: `[N, C, D, H, W]`, floating point.
///   - outputSize: of each volume; an integer literal for a cube.
/// - Returns: `[N, C, outputSize.depth, outputSize.height, outputSize.width]`.
/// - Precondition: neither the volume nor the output is empty.
public func adaptiveAveragePool3d(_ x: Tensor, outputSize: Triple) -> Tensor {
  adaptivelyPooled("adaptiveAveragePool3d", x, outputSize, by: averagePooled)
}

/// The largest value of each of `outputSize` boxes that cover a volume evenly.
///
/// - Parameters:
///   - x: `[N, C, D, H, W]`, floating point.
///   - outputSize: of each volume; an integer literal for a cube.
/// - Returns: `[N, C, outputSize.depth, outputSize.height, outputSize.width]`.
/// - Precondition: neither the volume nor the output is empty.
public func adaptiveMaxPool3d(_ x: Tensor, outputSize: Triple) -> Tensor {
  adaptivelyPooled("adaptiveMaxPool3d", x, outputSize) { geometry, x, _ in
    maxPooled("adaptiveMaxPool3d", geometry, x)
  }
}

private func adaptivelyPooled(
  _ name: String, _ x: Tensor, _ outputSize: Triple, by pool: (PoolingGeometry, Tensor, DType?) -> Tensor
) -> Tensor {
  requireVolume(name, x)
  return pooledVolume(
    x, slices: { PoolingGeometry(name, input: $0, output: (outputSize.height, outputSize.width)) },
    columns: { PoolingGeometry(name, input: $0, output: (outputSize.depth, $0[3])) }, by: pool)
}

/// - Parameters:
///   - slices: how slices are pooled, given the shape `[N * C, D, H, W]`.
///   - columns: how their depth is, given the shape `[N, C, D, outH * outW]`.
///   - pool: pools planes into a result of a dtype.
private func pooledVolume(
  _ x: Tensor, slices: ([Int]) -> PoolingGeometry, columns: ([Int]) -> PoolingGeometry,
  by pool: (PoolingGeometry, Tensor, DType?) -> Tensor
) -> Tensor {
  let (n, c, d) = (x.shape[0], x.shape[1], x.shape[2])
  let flat = x.reshaped(to: [n * c, d, x.shape[3], x.shape[4]])
  let plane = slices(flat.shape)
  let (height, width) = (plane.outputHeight, plane.outputWidth)
  let pooled = pool(plane, flat, .float32).reshaped(to: [n, c, d, height * width])
  let column = columns(pooled.shape)
  return pool(column, pooled, x.dtype).reshaped(to: [n, c, column.outputHeight, height, width])
}

private func requireVolume(_ operation: String, _ x: Tensor) {
  require(x.rank == 5, "\(operation): input must be [N, C, D, H, W], got \(x.shape)")
  requireFloatingPoint(operation, x)
}
