// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A two-dimensional transposed convolution over `[N, C, H, W]`, which enlarges it by the stride.
///
///     y = activation(convTranspose2d(x, weight) + bias)
///
/// `weight` is `[inputChannels, outputChannels / groups, kernel.height, kernel.width]`, `bias` `[outputChannels]`; see
/// `convTranspose2d` for the size of the result.
public struct ConvTranspose2D: Layer {
  /// The kernels, `[inputChannels, outputChannels / groups, kernel.height, kernel.width]`.
  public let weight: Parameter
  /// What is added to each output channel, `[outputChannels]`; nil without a bias.
  public let bias: Parameter?
  /// Rows and columns of the result from one element of the input to the next.
  public let stride: Pair
  /// Rows and columns taken away on each side of the result.
  public let padding: Pair
  /// Rows and columns added at the end of the result.
  public let outputPadding: Pair
  /// Rows and columns from one element of the kernel to the next; 1 for a dense kernel.
  public let dilation: Pair
  /// Independent convolutions that the channels are divided into.
  public let groups: Int
  /// What is applied to the result.
  public let activation: Activation

  /// A transposed convolution with new weights, drawn before the bias.
  ///
  /// - Parameters:
  ///   - kernel: height and width; a single number for a square.
  ///   - stride: rows and columns of the result from one element of the input to the next.
  ///   - padding: what is taken away on each side of the result.
  ///   - outputPadding: what is added at the end; below stride or dilation.
  ///   - dilation: rows and columns from one element of the kernel to the next.
  ///   - groups: input and output channels are divided into so many independent convolutions.
  ///   - bias: whether a bias is added; a normalization behind the layer makes it useless.
  ///   - activation: applied to the result.
  ///   - initializer: of the weight; by default uniform in `±1 / sqrt(fan)` with
  ///     `fan = outputChannels / groups` times the kernel's positions.
  ///   - biasInitializer: by default uniform in the same range.
  ///   - generator: what the values are drawn from.
  /// - Precondition: sizes are positive, and `groups` divides both numbers of channels. Stride, padding and dilation
  ///   are checked when the layer is called.
  public init(
    _ inputChannels: Int, _ outputChannels: Int, kernel: Pair, stride: Pair = 1, padding: Pair = 0,
    outputPadding: Pair = 0, dilation: Pair = 1, groups: Int = 1, bias: Bool = true, activation: Activation = .none,
    initializer: Initializer = .standard, biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    requireConvolutionSizes("ConvTranspose2D", inputChannels, outputChannels, [kernel.height, kernel.width], groups)
    (weight, self.bias) = makeWeights(
      [inputChannels, outputChannels / groups, kernel.height, kernel.width], outputs: outputChannels, bias: bias,
      initializer: initializer, biasInitializer: biasInitializer, generator: generator)
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
    self.activation = activation
  }

  /// `[N, outputChannels, outH, outW]` of `[N, inputChannels, H, W]` with
  /// `outH = (H - 1) * stride - 2 * padding + dilation * (kernel.height - 1) + outputPadding + 1`.
  ///
  /// - Precondition: channels agree, and the result is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    convTranspose2d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding, outputPadding: outputPadding,
      dilation: dilation, groups: groups, activation: activation)
  }
}
