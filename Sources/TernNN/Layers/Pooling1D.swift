// SPDX-License-Identifier: MIT
import Tern

/// The largest value of each window of `[N, C, L]`; see `maxPool1d`.
public struct MaxPool1D: Layer {
  /// Elements of a window.
  public let window: Int
  /// Elements from one window to the next.
  public let stride: Int
  /// Elements at each end, which count as minus infinity.
  public let padding: Int
  /// Elements from one element of a window to the next.
  public let dilation: Int
  /// Whether last, partial windows count.
  public let roundsUp: Bool

  /// Pooling by a window. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - padding: at most half of the window.
  ///   - dilation: elements from one element of a window to the next.
  ///   - roundsUp: whether a window that reaches beyond the input counts.
  public init(
    _ window: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, roundsUp: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.dilation = dilation
    self.roundsUp = roundsUp
  }

  /// `[N, C, outL]` of `[N, C, L]` with
  /// `outL = (L + 2 * padding - dilation * (window - 1) - 1) / stride + 1`, rounded down unless `roundsUp`.
  ///
  /// - Precondition: the window fits the padded sequence.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    maxPool1d(x, window: window, stride: stride, padding: padding, dilation: dilation, roundsUp: roundsUp)
  }
}

/// The mean of each window of `[N, C, L]`; see `averagePool1d`.
public struct AveragePool1D: Layer {
  /// Elements of a window.
  public let window: Int
  /// Elements from one window to the next.
  public let stride: Int
  /// Elements at each end, which are zeros.
  public let padding: Int
  /// Whether these zeros count in the divisor.
  public let countsPadding: Bool
  /// What sums are divided by; nil for the count of their elements.
  public let divisor: Int?
  /// Whether last, partial windows count.
  public let roundsUp: Bool

  /// Pooling by a window. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - padding: at most half of the window.
  ///   - countsPadding: whether padded zeros count in the divisor.
  ///   - divisor: what every sum is divided by instead of the count of its elements.
  ///   - roundsUp: whether a window that reaches beyond the input counts.
  public init(
    _ window: Int, stride: Int? = nil, padding: Int = 0, countsPadding: Bool = true, divisor: Int? = nil,
    roundsUp: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.countsPadding = countsPadding
    self.divisor = divisor
    self.roundsUp = roundsUp
  }

  /// `[N, C, outL]` of `[N, C, L]` with `outL = (L + 2 * padding - window) / stride + 1`,
  /// rounded down unless `roundsUp`.
  ///
  /// - Precondition: the window fits the padded sequence.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    averagePool1d(
      x, window: window, stride: stride, padding: padding, countsPadding: countsPadding, divisor: divisor,
      roundsUp: roundsUp)
  }
}

/// The largest value of each of `outputSize` windows that cover `[N, C, L]` evenly; see `adaptiveMaxPool1d`.
public struct AdaptiveMaxPool1D: Layer {
  /// Elements of the result's sequences.
  public let outputSize: Int

  /// Pooling to a size, whatever that of the input. A size of 0 traps when the layer is called.
  public init(_ outputSize: Int) { self.outputSize = outputSize }

  /// `[N, C, outputSize]` of `[N, C, L]`, which is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveMaxPool1d(x, outputSize: outputSize) }
}

/// The mean of each of `outputSize` windows that cover `[N, C, L]` evenly; see `adaptiveAveragePool1d`.
public struct AdaptiveAveragePool1D: Layer {
  /// Elements of the result's sequences.
  public let outputSize: Int

  /// Pooling to a size, whatever that of the input. A size of 0 traps when the layer is called.
  public init(_ outputSize: Int) { self.outputSize = outputSize }

  /// `[N, C, outputSize]` of `[N, C, L]`, which is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveAveragePool1d(x, outputSize: outputSize) }
}
