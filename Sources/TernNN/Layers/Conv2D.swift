// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A two-dimensional convolution (cross-correlation) over `[N, C, H, W]`.
///
/// `weight` is `[outputChannels, inputChannels / groups, kernel.height, kernel.width]`, `bias` `[outputChannels]`; see
/// `conv2d` for the size of the result.
public struct Conv2D: Layer {
  public let weight: Parameter
  public let bias: Parameter?
  public let stride: Pair
  public let padding: Padding
  public let dilation: Pair
  public let groups: Int

  /// - Parameters:
  ///   - kernel: height and width; a single number for a square.
  ///   - padding: zeros on each side, or `.same`.
  ///   - groups: input and output channels are divided into so many independent convolutions.
  ///   - initializer: of the weight; by default uniform in `±1 / sqrt(fanIn)`, as the bias.
  public init(
    _ inputChannels: Int, _ outputChannels: Int, kernel: Pair, stride: Pair = 1, padding: Padding = 0,
    dilation: Pair = 1, groups: Int = 1, bias: Bool = true, initializer: Initializer = .standard,
    biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    require(
      groups > 0 && inputChannels > 0 && outputChannels > 0 && inputChannels % groups == 0
        && outputChannels % groups == 0,
      "Conv2D: \(inputChannels) input and \(outputChannels) output channels must be positive multiples of groups, "
        + "which is \(groups)")
    require(kernel.height > 0 && kernel.width > 0, "Conv2D: the kernel must be positive, got \(kernel)")
    (weight, self.bias) = makeWeights(
      [outputChannels, inputChannels / groups, kernel.height, kernel.width], bias: bias, initializer: initializer,
      biasInitializer: biasInitializer, generator: generator)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}
