// SPDX-License-Identifier: MIT
import Tern

/// The windows of images as columns of a matrix, `[N, C, H, W]` to `[N, C * kH * kW, windows]`; see `unfold`.
public struct Unfold: Layer {
  /// Height and width of a window, in elements.
  public let window: Pair
  /// Rows and columns from one window to the next.
  public let stride: Pair
  /// Rows and columns of zeros around the image.
  public let padding: Pair
  /// Rows and columns from one element of a window to the next; 1 for a dense window.
  public let dilation: Pair

  /// Windows of one size; an integer literal is a square. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - stride: rows and columns from one window to the next.
  ///   - padding: zeros around the image.
  ///   - dilation: rows and columns from one element of a window to the next.
  public init(_ window: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) {
    self.window = window
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
  }

  /// `[N, C * window.height * window.width, windows]` of `[N, C, H, W]`.
  ///
  /// - Precondition: the window fits the padded image.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    unfold(x, window: window, stride: stride, padding: padding, dilation: dilation)
  }
}

/// Columns added up to images, `[N, C * kH * kW, windows]` to `[N, C, H, W]`; see `fold`.
public struct Fold: Layer {
  /// Height and width of the images.
  public let outputSize: Pair
  /// Height and width of a window, in elements.
  public let window: Pair
  /// Rows and columns from one window to the next.
  public let stride: Pair
  /// Rows and columns of zeros around the image.
  public let padding: Pair
  /// Rows and columns from one element of a window to the next; 1 for a dense window.
  public let dilation: Pair

  /// Images of one size from windows of one size; an integer literal is a square. Settings are checked when the layer
  /// is called.
  ///
  /// - Parameters:
  ///   - window: height and width of a window.
  ///   - stride: rows and columns from one window to the next.
  ///   - padding: zeros around the image, whose columns are left out.
  ///   - dilation: rows and columns from one element of a window to the next.
  public init(_ outputSize: Pair, window: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) {
    self.outputSize = outputSize
    self.window = window
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
  }

  /// `[N, C, outputSize.height, outputSize.width]` of `[N, C * window.height * window.width, windows]`.
  ///
  /// - Precondition: there are as many columns as windows.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    fold(x, outputSize: outputSize, window: window, stride: stride, padding: padding, dilation: dilation)
  }
}
