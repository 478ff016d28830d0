// SPDX-License-Identifier: MIT
import TernRuntime

/// Divides each element by a power of the mean square of its neighbours in other channels (Krizhevsky, Sutskever,
/// Hinton: "ImageNet classification with deep convolutional neural networks", 2012, section 3.3).
///
///     y[c] = x[c] / (k + alpha / size * sum of x[j]² over j = c - size / 2 ... c + (size - 1) / 2)^beta
///
/// Channels outside of the image count as zeros.
///
/// - Parameters:
///   - x: `[N, channels, ...]`, floating point.
///   - size: how many channels the sum runs over.
/// - Returns: same shape and dtype as `x`; computed in Float32.
/// - Precondition: `size` is positive.
public func localResponseNorm(
  _ x: Tensor, size: Int, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 1
) -> Tensor {
  requireFloatingPoint("localResponseNorm", x)
  require(x.rank >= 2, "localResponseNorm: input must be [N, channels, ...], got \(x.shape)")
  require(size > 0, "localResponseNorm: the size must be positive, got \(size)")
  if x.count == 0 { return x }
  let wide = x.cast(to: .float32)
  // Channels as the rows of an image. An even window has one channel more before the middle than behind it, which
  // leaves one row too many at the end.
  let rows = square(wide).reshaped(to: [x.shape[0], 1, x.shape[1], -1])
  let means = averagePool2d(rows, window: Pair(size, 1), stride: 1, padding: Pair(size / 2, 0))
    .sliced(along: 2, from: 0, to: x.shape[1]).reshaped(to: x.shape)
  return (wide * pow(means * alpha + k, -beta)).cast(to: x.dtype)
}

/// Vectors along one axis, scaled to length 1.
///
///     y = x / max(|x|, epsilon), |x| the root of the sum of squares along the axis
///
/// - Parameters:
///   - x: any shape with the axis, floating point.
///   - axis: negative counts from the end.
///   - epsilon: vectors shorter than this are divided by it, so that 0 stays 0. Less than 1e-19 counts as that.
/// - Returns: same shape and dtype as `x`; computed in Float32.
/// - Precondition: `axis` is in `-x.rank ..< x.rank`.
public func l2Normalized(_ x: Tensor, axis: Int = -1, epsilon: Float = 1e-12) -> Tensor {
  requireFloatingPoint("l2Normalized", x)
  let wide = x.cast(to: .float32)
  // Bounded below the root, whose derivative at 0 is infinite.
  let least = max(epsilon * epsilon, 1e-38)
  let squares = clamp(wide.sumOfSquares(along: [axis], keepingDimensions: true), min: least)
  return (wide * rsqrt(squares)).cast(to: x.dtype)
}
