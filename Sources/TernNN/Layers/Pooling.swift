// SPDX-License-Identifier: MIT
import Tern

/// The largest value of each window of `[N, C, H, W]`; see `maxPool2d`.
public struct MaxPool2D: Layer {
  /// Height and width of a window, in elements.
  public let window: Pair
  /// Rows and columns from one window to the next.
  public let stride: Pair
  /// Rows and columns around the image, which count as minus infinity.
  public let padding: Pair
  /// Rows and columns from one element of a window to the next; 1 for a dense window.
  public let dilation: Pair
  /// Whether a last, partial window counts.
  public let roundsUp: Bool

  /// Pooling by a window; an integer literal is a square. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - padding: at most half of the window.
  ///   - dilation: rows and columns from one element of a window to the next.
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

  /// `[N, C, outH, outW]` of `[N, C, H, W]` with
  /// `outH = (H + 2 * padding - dilation * (window.height - 1) - 1) / stride + 1`, rounded down unless `roundsUp`.
  ///
  /// - Precondition: the window fits the padded image.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    maxPool2d(x, window: window, stride: stride, padding: padding, dilation: dilation, roundsUp: roundsUp)
  }
}

/// The mean of each window of `[N, C, H, W]`; see `averagePool2d`.
public struct AveragePool2D: Layer {
  /// Height and width of a window, in elements.
  public let window: Pair
  /// Rows and columns from one window to the next.
  public let stride: Pair
  /// Rows and columns of zeros around the image.
  public let padding: Pair
  /// Whether these zeros count in the divisor.
  public let countsPadding: Bool
  /// What sums are divided by; nil for the count of their elements.
  public let divisor: Int?
  /// Whether a last, partial window counts.
  public let roundsUp: Bool

  /// Pooling by a window; an integer literal is a square. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - stride: by default the window, so that windows do not overlap.
  ///   - padding: at most half of the window.
  ///   - countsPadding: whether padded zeros count in the divisor.
  ///   - divisor: what every sum is divided by instead of the count of its elements.
  ///   - roundsUp: whether a window that reaches beyond the input counts.
  public init(
    _ window: Pair, stride: Pair? = nil, padding: Pair = 0, countsPadding: Bool = true, divisor: Int? = nil,
    roundsUp: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.countsPadding = countsPadding
    self.divisor = divisor
    self.roundsUp = roundsUp
  }

  /// `[N, C, outH, outW]` of `[N, C, H, W]` with `outH = (H + 2 * padding - window.height) / stride + 1`, rounded down
  /// unless `roundsUp`.
  ///
  /// - Precondition: the window fits the padded image.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    averagePool2d(
      x, window: window, stride: stride, padding: padding, countsPadding: countsPadding, divisor: divisor,
      roundsUp: roundsUp)
  }
}

/// The largest value of each of `outputSize` windows that cover `[N, C, H, W]` evenly; see `adaptiveMaxPool2d`.
public struct AdaptiveMaxPool2D: Layer {
  /// Height and width of each plane of the result.
  public let outputSize: Pair

  /// Pooling to a size, whatever that of the input; an integer literal is a square. A size of 0 traps when the layer is
  /// called.
  public init(_ outputSize: Pair) { self.outputSize = outputSize }

  /// `[N, C, outputSize.height, outputSize.width]` of `[N, C, H, W]`, which is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveMaxPool2d(x, outputSize: outputSize) }
}

/// The mean of each of `outputSize` windows that cover `[N, C, H, W]` evenly; see `adaptiveAveragePool2d`.
public struct AdaptiveAveragePool2D: Layer {
  /// Height and width of each plane of the result.
  public let outputSize: Pair

  /// Pooling to a size, whatever that of the input; an integer literal is a square. A size of 0 traps when the layer is
  /// called.
  public init(_ outputSize: Pair) { self.outputSize = outputSize }

  /// `[N, C, outputSize.height, outputSize.width]` of `[N, C, H, W]`, which is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveAveragePool2d(x, outputSize: outputSize) }
}

/// The mean of each channel: `[N, C, H, W]` becomes `[N, C]`, as the linear layer at a network's end takes it.
public struct GlobalAveragePool2D: Layer {
  /// A layer without parameters or settings.
  public init() {}

  /// `[N, C]` of `[N, C, H, W]`.
  ///
  /// - Precondition: `x` has four axes and is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveAveragePool2d(x, outputSize: 1).flattened(from: 1) }
}
