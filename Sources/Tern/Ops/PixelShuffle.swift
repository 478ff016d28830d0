// SPDX-License-Identifier: MIT
import TernRuntime

/// Moves channels into space: squares of `factor * factor` channels become squares of pixels.
///
///     y[n, c, h * factor + i, w * factor + j] = x[n, (c * factor + i) * factor + j, h, w]
///
/// The last step of sub-pixel convolution (Shi et al.: "Real-time single image and video super-resolution using an
/// efficient sub-pixel convolutional neural network", 2016).
///
/// - Parameters:
///   - x: `[N, C * factor², H, W]`, any dtype.
///   - factor: at least 1.
/// - Returns: `[N, C, H * factor, W * factor]`; differentiable any number of times.
/// - Precondition: `factor²` divides the channels.
public func pixelShuffle(_ x: Tensor, factor: Int) -> Tensor {
  require(x.rank == 4, "pixelShuffle: input must be [N, C, H, W], got \(x.shape)")
  require(
    factor >= 1 && x.shape[1] % (factor * factor) == 0,
    "pixelShuffle: \(x.shape[1]) channels of \(x.shape) are not a multiple of factor² with factor \(factor)")
  let (n, c, h, w) = (x.shape[0], x.shape[1] / (factor * factor), x.shape[2], x.shape[3])
  return x.reshaped(to: [n, c, factor, factor, h, w]).transposed([0, 1, 4, 2, 5, 3])
    .reshaped(to: [n, c, h * factor, w * factor])
}

/// Moves space into channels, the inverse of `pixelShuffle`.
///
///     y[n, (c * factor + i) * factor + j, h, w] = x[n, c, h * factor + i, w * factor + j]
///
/// - Parameters:
///   - x: `[N, C, H, W]`, any dtype.
///   - factor: at least 1.
/// - Returns: `[N, C * factor², H / factor, W / factor]`; differentiable any number of times.
/// - Precondition: `factor` divides height and width.
public func pixelUnshuffle(_ x: Tensor, factor: Int) -> Tensor {
  require(x.rank == 4, "pixelUnshuffle: input must be [N, C, H, W], got \(x.shape)")
  require(
    factor >= 1 && x.shape[2] % factor == 0 && x.shape[3] % factor == 0,
    "pixelUnshuffle: height and width of \(x.shape) are not multiples of factor \(factor)")
  let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / factor, x.shape[3] / factor)
  return x.reshaped(to: [n, c, h, factor, w, factor]).transposed([0, 1, 3, 5, 2, 4])
    .reshaped(to: [n, c * factor * factor, h, w])
}
