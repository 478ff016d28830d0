// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A two-dimensional convolution (cross-correlation) over `[N, C, H, W]`.
///
///     y = activation(conv2d(x, weight) + bias)
///
/// `weight` is `[outputChannels, inputChannels / groups, kernel.height, kernel.width]`, `bias` `[outputChannels]`; see
/// `conv2d` for the size of the result.
public struct Conv2D: Layer {
  /// The kernels, `[outputChannels, inputChannels / groups, kernel.height, kernel.width]`.
  public let weight: Parameter
  /// What is added to each output channel, `[outputChannels]`; nil without a bias.
  public let bias: Parameter?
  /// Rows and columns from one position of the kernel to the next.
  public let stride: Pair
  /// Zeros around the image.
  public let padding: Padding
  /// Rows and columns from one element of the kernel to the next; 1 for a dense kernel.
  public let dilation: Pair
  /// Independent convolutions that the channels are divided into; as many as input channels make it depthwise.
  public let groups: Int
  /// What is applied to the result.
  public let activation: Activation

  /// A convolution with new weights, drawn before the bias.
  ///
  /// - Parameters:
  ///   - kernel: height and width; a single number for a square.
  ///   - stride: rows and columns from one position of the kernel to the next.
  ///   - padding: zeros on each side, or `.same`.
  ///   - dilation: rows and columns from one element of the kernel to the next.
  ///   - groups: input and output channels are divided into so many independent convolutions.
  ///   - bias: whether a bias is added; a normalization behind the layer makes it useless.
  ///   - activation: applied before the convolution is stored, which saves a pass over memory.
  ///   - initializer: of the weight; by default uniform in `±1 / sqrt(fanIn)` with
  ///     `fanIn = inputChannels / groups * kH * kW`.
  ///   - biasInitializer: by default uniform in the same range.
  ///   - generator: what the values are drawn from.
  /// - Precondition: sizes are positive, and `groups` divides both numbers of channels. Stride, padding and dilation
  ///   are checked when the layer is called.
  public init(
    _ inputChannels: Int, _ outputChannels: Int, kernel: Pair, stride: Pair = 1, padding: Padding = 0,
    dilation: Pair = 1, groups: Int = 1, bias: Bool = true, activation: Activation = .none,
    initializer: Initializer = .standard, biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    requireConvolutionSizes("Conv2D", inputChannels, outputChannels, [kernel.height, kernel.width], groups)
    (weight, self.bias) = makeWeights(
      [outputChannels, inputChannels / groups, kernel.height, kernel.width], bias: bias, initializer: initializer,
      biasInitializer: biasInitializer, generator: generator)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.activation = activation
  }

  /// The convolution of `[N, inputChannels, H, W]`, `[N, outputChannels, outH, outW]` with
  /// `outH = (H + padding - dilation * (kernel.height - 1) - 1) / stride + 1`, rounded down; likewise `outW`.
  ///
  /// - Precondition: channels agree, and the kernel fits the padded image.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding, dilation: dilation, groups: groups,
      activation: activation)
  }
}

/// Traps unless a convolution layer can have weights of these sizes.
func requireConvolutionSizes(_ layer: String, _ inputs: Int, _ outputs: Int, _ kernel: [Int], _ groups: Int) {
  require(
    groups > 0 && inputs > 0 && outputs > 0 && inputs % groups == 0 && outputs % groups == 0,
    "\(layer): \(inputs) input and \(outputs) output channels must be positive multiples of groups, "
      + "which is \(groups)")
  require(kernel.allSatisfy { $0 > 0 }, "\(layer): the kernel must be positive, got \(kernel)")
}
