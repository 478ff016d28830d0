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
