// SPDX-License-Identifier: MIT
import Tern

/// The largest value of each window of `[N, C, H, W]`; see `maxPool2d`.
public struct MaxPool2D: Layer {
  public let window: Pair
  public let stride: Pair
  public let padding: Pair
  public let dilation: Pair
  public let roundsUp: Bool

  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - roundsUp: whether a window that reaches beyond the input counts.
  public init(
    _ window: Pair, stride: Pair? = nil, padding: Pair = 0, dilation: Pair = 1, roundsUp: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.dilation = dilation
    self.roundsUp = roundsUp
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    maxPool2d(x, window: window, stride: stride, padding: padding, dilation: dilation, roundsUp: roundsUp)
  }
}

/// The mean of each window of `[N, C, H, W]`; see `averagePool2d`.
public struct AveragePool2D: Layer {
  public let window: Pair
  public let stride: Pair
  public let padding: Pair
  public let countsPadding: Bool
  public let roundsUp: Bool

  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - countsPadding: whether padded zeros count in the divisor.
  ///   - roundsUp: whether a window that reaches beyond the input counts.
  public init(
    _ window: Pair, stride: Pair? = nil, padding: Pair = 0, countsPadding: Bool = true, roundsUp: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.countsPadding = countsPadding
    self.roundsUp = roundsUp
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    averagePool2d(
      x, window: window, stride: stride, padding: padding, countsPadding: countsPadding, roundsUp: roundsUp)
  }
}

/// The largest value of each of `outputSize` windows that cover `[N, C, H, W]` evenly; see `adaptiveMaxPool2d`.
public struct AdaptiveMaxPool2D: Layer {
  public let outputSize: Pair

  public init(_ outputSize: Pair) { self.outputSize = outputSize }

  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveMaxPool2d(x, outputSize: outputSize) }
}

/// The mean of each of `outputSize` windows that cover `[N, C, H, W]` evenly; see `adaptiveAveragePool2d`.
public struct AdaptiveAveragePool2D: Layer {
  public let outputSize: Pair

  public init(_ outputSize: Pair) { self.outputSize = outputSize }

  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveAveragePool2d(x, outputSize: outputSize) }
}

/// The mean of each channel: `[N, C, H, W]` becomes `[N, C]`, as the linear layer at a network's end takes it.
public struct GlobalAveragePool2D: Layer {
  public init() {}

  /// - Precondition: `x` is `[N, C, H, W]`, not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveAveragePool2d(x, outputSize: 1).flattened(from: 1) }
}
