// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A three-dimensional convolution (cross-correlation) over `[N, C, D, H, W]`.
///
///     y = activation(conv3d(x, weight) + bias)
///
/// `weight` is `[outputChannels, inputChannels / groups, kernel.depth, kernel.height, kernel.width]`,
/// `bias` `[outputChannels]`; see `conv3d` for the size of the result.
public struct Conv3D: Layer {
  /// The kernels, `[outputChannels, inputChannels / groups, kernel.depth, kernel.height, kernel.width]`.
  public let weight: Parameter
  /// What is added to each output channel, `[outputChannels]`; nil without a bias.
  public let bias: Parameter?
  /// Slices, rows and columns from one position of the kernel to the next.
  public let stride: Triple
  /// Zeros around the volume.
  public let padding: Padding3D
  /// Slices, rows and columns from one element of the kernel to the next; 1 for a dense kernel.
  public let dilation: Triple
  /// Independent convolutions that the channels are divided into; as many as input channels make it depthwise.
  public let groups: Int
  /// What is applied to the result.
  public let activation: Activation

  /// A convolution with new weights, drawn before the bias.
  ///
  /// - Parameters:
  ///   - kernel: depth, height and width; a single number for a cube.
  ///   - stride: slices, rows and columns from one position of the kernel to the next.
  ///   - padding: zeros on each side, or `.same`.
  ///   - dilation: slices, rows and columns from one element of the kernel to the next.
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
    _ inputChannels: Int, _ outputChannels: Int, kernel: Triple, stride: Triple = 1, padding: Padding3D = 0,
    dilation: Triple = 1, groups: Int = 1, bias: Bool = true, activation: Activation = .none,
    initializer: Initializer = .standard, biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    requireConvolutionSizes(
      "Conv3D", inputChannels, outputChannels, [kernel.depth, kernel.height, kernel.width], groups)
    (weight, self.bias) = makeWeights(
      [outputChannels, inputChannels / groups, kernel.depth, kernel.height, kernel.width], bias: bias,
      initializer: initializer,
      biasInitializer: biasInitializer, generator: generator)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.activation = activation
  }

  /// `[N, outputChannels, outD, outH, outW]` of `[N, inputChannels, D, H, W]` with
  /// `outD = (D + padding - dilation * (kernel.depth - 1) - 1) / stride + 1`, rounded down.
  ///
  /// - Precondition: channels agree, and the kernel fits the padded volume.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv3d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding, dilation: dilation, groups: groups,
      activation: activation)
  }
}
