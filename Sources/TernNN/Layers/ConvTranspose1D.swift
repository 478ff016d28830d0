// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A one-dimensional transposed convolution over `[N, C, L]`, which enlarges it by the stride.
///
///     y = activation(convTranspose1d(x, weight) + bias)
///
/// `weight` is `[inputChannels, outputChannels / groups, kernel]`, `bias` `[outputChannels]`; see
/// `convTranspose1d` for the size of the result.
public struct ConvTranspose1D: Layer {
  /// The kernels, `[inputChannels, outputChannels / groups, kernel]`.
  public let weight: Parameter
  /// What is added to each output channel, `[outputChannels]`; nil without a bias.
  public let bias: Parameter?
  /// Elements of the result from one element of the input to the next.
  public let stride: Int
  /// Elements taken away on each side of the result.
  public let padding: Int
  /// Elements added at the end of the result.
  public let outputPadding: Int
  /// Elements from one element of the kernel to the next; 1 for a dense kernel.
  public let dilation: Int
  /// Independent convolutions that the channels are divided into.
  public let groups: Int
  /// What is applied to the result.
  public let activation: Activation

  /// A transposed convolution with new weights, drawn before the bias.
  ///
  /// - Parameters:
  ///   - kernel: taps of the kernel.
  ///   - stride: elements of the result from one element of the input to the next.
  ///   - padding: what is taken away on each side of the result.
  ///   - outputPadding: what is added at the end; below stride or dilation.
  ///   - dilation: elements from one element of the kernel to the next.
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
    _ inputChannels: Int, _ outputChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true, activation: Activation = .none,
    initializer: Initializer = .standard, biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    requireConvolutionSizes("ConvTranspose1D", inputChannels, outputChannels, [kernel], groups)
    (weight, self.bias) = makeWeights(
      [inputChannels, outputChannels / groups, kernel], outputs: outputChannels, bias: bias,
      initializer: initializer, biasInitializer: biasInitializer, generator: generator)
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
    self.activation = activation
  }

  /// `[N, outputChannels, outL]` of `[N, inputChannels, L]` with
  /// `outL = (L - 1) * stride - 2 * padding + dilation * (kernel - 1) + outputPadding + 1`.
  ///
  /// - Precondition: channels agree, and the result is not empty.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    convTranspose1d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding, outputPadding: outputPadding,
      dilation: dilation, groups: groups, activation: activation)
  }
}
