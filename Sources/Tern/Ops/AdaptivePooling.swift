// SPDX-License-Identifier: MIT
import TernRuntime

/// The mean of each of `outputSize` windows that cover the image evenly.
///
///     rows of window i:  floor(i * H / outH) ..< ceil((i + 1) * H / outH)        columns alike
///
/// Windows overlap or repeat where the sizes do not divide.
///
/// - Parameters:
///   - x: `[N, C, H, W]`, floating point.
///   - outputSize: of each plane; an integer literal for a square. With 1 it is the mean of each channel.
/// - Returns: `[N, C, outputSize.height, outputSize.width]`.
/// - Precondition: neither the image nor the output is empty.
public func adaptiveAveragePool2d(_ x: Tensor, outputSize: Pair) -> Tensor {
  let geometry = adaptiveGeometry("adaptiveAveragePool2d", x, outputSize)
  // The gradient of a mean is a broadcast that fuses with what comes before; that of a pooling is an array.
  if outputSize == 1 { return x.mean(along: 2, 3, keepingDimensions: true) }
  return averagePooled(geometry, x)
}

/// The largest value of each of `outputSize` windows that cover the image evenly, as `adaptiveAveragePool2d` has them.
/// NaN wins, and the gradient goes to the first maximum.
///
/// - Parameters:
///   - x: `[N, C, H, W]`, floating point.
///   - outputSize: of each plane; an integer literal for a square.
/// - Returns: `[N, C, outputSize.height, outputSize.width]`.
/// - Precondition: neither the image nor the output is empty.
public func adaptiveMaxPool2d(_ x: Tensor, outputSize: Pair) -> Tensor {
  maxPooled("adaptiveMaxPool2d", adaptiveGeometry("adaptiveMaxPool2d", x, outputSize), x)
}

private func adaptiveGeometry(_ operation: String, _ x: Tensor, _ outputSize: Pair) -> PoolingGeometry {
  requireFloatingPoint(operation, x)
  return PoolingGeometry(operation, input: x.shape, output: (outputSize.height, outputSize.width))
}
