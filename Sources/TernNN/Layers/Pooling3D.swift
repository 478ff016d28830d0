// SPDX-License-Identifier: MIT
import Tern

/// The largest value of each window of `[N, C, D, H, W]`; see `maxPool3d`.
public struct MaxPool3D: Layer {
  /// Depth, height and width of a window, in elements.
  public let window: Triple
  /// Slices, rows and columns from one window to the next.
  public let stride: Triple
  /// Slices, rows and columns around the volume, which count as minus infinity.
  public let padding: Triple
  /// Slices, rows and columns from one element of a window to the next.
  public let dilation: Triple
  /// Whether last, partial windows count.
  public let roundsUp: Bool

  /// Pooling by a window; an integer literal is a cube. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - padding: at most half of the window.
  ///   - dilation: slices, rows and columns from one element of a window to the next.
  ///   - roundsUp: whether a window that reaches beyond the input counts.
  public init(
    _ window: Triple, stride: Triple? = nil, padding: Triple = 0, dilation: Triple = 1, roundsUp: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.dilation = dilation
    self.roundsUp = roundsUp
  }

  /// `[N, C, outD, outH, outW]` of `[N, C, D, H, W]` with
  /// `outD = (D + 2 * padding - dilation * (window.depth - 1) - 1) / stride + 1`, rounded down unless `roundsUp`. The
  /// other axes are alike.
  ///
  /// - Precondition: the window fits the padded volume.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    maxPool3d(x, window: window, stride: stride, padding: padding, dilation: dilation, roundsUp: roundsUp)
  }
}

/// The mean of each window of `[N, C, D, H, W]`; see `averagePool3d`.
public struct AveragePool3D: Layer {
  /// Depth, height and width of a window, in elements.
  public let window: Triple
  /// Slices, rows and columns from one window to the next.
  public let stride: Triple
  /// Slices, rows and columns around the volume, which are zeros.
  public let padding: Triple
  /// Whether these zeros count in the divisor.
  public let countsPadding: Bool
  /// What sums are divided by; nil for the count of their elements.
  public let divisor: Int?
  /// Whether last, partial windows count.
  public let roundsUp: Bool

  /// Pooling by a window; an integer literal is a cube. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - padding: at most half of the window.
  ///   - countsPadding: whether padded zeros count in the divisor.
  ///   - divisor: what every sum is divided by instead of the count of its elements.
  ///   - roundsUp: whether a window that reaches beyond the input counts.
  public init(
    _ window: Triple, stride: Triple? = nil, padding: Triple = 0, countsPadding: Bool = true, divisor: Int? = nil,
    roundsUp: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.countsPadding = countsPadding
    self.divisor = divisor
    self.roundsUp = roundsUp
  }

  /// `[N, C, outD, outH, outW]` of `[N, C, D, H, W]` with `outD = (D + 2 * padding - window.depth) / stride + 1`,
  /// rounded down unless `roundsUp`. The
  /// other axes are alike.
  ///
  /// - Precondition: the window fits the padded volume.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    averagePool3d(
      x, window: window, stride: stride, padding: padding, countsPadding: countsPadding, divisor: divisor,
      roundsUp: roundsUp)
  }
}

/// The largest value of each of `outputSize` windows that cover `[N, C, D, H, W]` evenly; see `adaptiveMaxPool3d`.
public struct AdaptiveMaxPool3D: Layer {
  /// Depth, height and width of each volume of the result.
  public let outputSize: Triple

  /// Pooling to a size, whatever that of the input. A size of 0 traps when the layer is called.
  public init(_ outputSize: Triple) { self.outputSize = outputSize }

  /// `[N, C, outputSize.depth, outputSize.height, outputSize.width]` of `[N, C, D, H, W]`, which is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveMaxPool3d(x, outputSize: outputSize) }
}

/// The mean of each of `outputSize` windows that cover `[N, C, D, H, W]` evenly; see `adaptiveAveragePool3d`.
public struct AdaptiveAveragePool3D: Layer {
  /// Depth, height and width of each volume of the result.
  public let outputSize: Triple

  /// Pooling to a size, whatever that of the input. A size of 0 traps when the layer is called.
  public init(_ outputSize: Triple) { self.outputSize = outputSize }

  /// `[N, C, outputSize.depth, outputSize.height, outputSize.width]` of `[N, C, D, H, W]`, which is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveAveragePool3d(x, outputSize: outputSize) }
}
