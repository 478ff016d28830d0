// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A one-dimensional convolution (cross-correlation) over `[N, C, L]`.
///
///     y = activation(conv1d(x, weight) + bias)
///
/// `weight` is `[outputChannels, inputChannels / groups, kernel]`, `bias` `[outputChannels]`; see
/// `conv1d` for the size of the result.
public struct Conv1D: Layer {
  /// The kernels, `[outputChannels, inputChannels / groups, kernel]`.
  public let weight: Parameter
  /// What is added to each output channel, `[outputChannels]`; nil without a bias.
  public let bias: Parameter?
  /// Elements from one position of the kernel to the next.
  public let stride: Int
  /// Zeros around the sequence.
  public let padding: Padding1D
  /// Elements from one element of the kernel to the next; 1 for a dense kernel.
  public let dilation: Int
  /// Independent convolutions that the channels are divided into; as many as input channels make it depthwise.
  public let groups: Int
  /// What is applied to the result.
  public let activation: Activation

  /// A convolution with new weights, drawn before the bias.
  ///
  /// - Parameters:
  ///   - kernel: taps of the kernel.
  ///   - stride: elements from one position of the kernel to the next.
  ///   - padding: zeros on each side, or `.same`.
  ///   - dilation: elements from one element of the kernel to the next.
  ///   - groups: input and output channels are divided into so many independent convolutions.
  ///   - bias: whether a bias is added; a normalization behind the layer makes it useless.
  ///   - activation: applied before the convolution is stored, which saves a pass over memory.
  ///   - initializer: of the weight; by default uniform in `±1 / sqrt(fanIn)` with
  ///     `fanIn = inputChannels / groups` times the kernel's positions.
  ///   - biasInitializer: by default uniform in the same range.
  ///   - generator: what the values are drawn from.
  /// - Precondition: sizes are positive, and `groups` divides both numbers of channels. Stride, padding and dilation
  ///   are checked when the layer is called.
  public init(
    _ inputChannels: Int, _ outputChannels: Int, kernel: Int, stride: Int = 1, padding: Padding1D = 0,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true, activation: Activation = .none,
    initializer: Initializer = .standard, biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    requireConvolutionSizes("Conv1D", inputChannels, outputChannels, [kernel], groups)
    (weight, self.bias) = makeWeights(
      [outputChannels, inputChannels / groups, kernel], bias: bias, initializer: initializer,
      biasInitializer: biasInitializer, generator: generator)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.activation = activation
  }

  /// `[N, outputChannels, outL]` of `[N, inputChannels, L]` with
  /// `outL = (L + padding - dilation * (kernel - 1) - 1) / stride + 1`, rounded down.
  ///
  /// - Precondition: channels agree, and the kernel fits the padded sequence.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv1d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding, dilation: dilation, groups: groups,
      activation: activation)
  }
}
