// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// MobileNet (Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications",
/// 2017): convolutions are separated into one that looks at each channel alone and one that mixes those of a pixel.
///
///     images [N, 3, H, W]  conv 3x3  depthwise 3x3 + conv 1x1, 13 times  mean of each channel  linear  [N, classes]
///
/// With images of 224 x 224 pixels and 1000 classes: 4,231,976 parameters. Convolutions start as normal with variance
/// `2 / fanIn` (He et al., "Delving deep into rectifiers", 2015), which for depthwise ones is that of 9 inputs.
public struct MobileNet: Layer {
  /// Sizes of one separable convolution.
  public struct Step: Sendable, Hashable {
    /// Output channels before the network's `width` scales them.
    public let channels: Int
    /// The stride of the 3x3 convolution; 2 halves the sides of the image.
    public let stride: Int

    /// So many output channels, at the size of the input unless there is a stride.
    public init(_ channels: Int, stride: Int = 1) {
      self.channels = channels
      self.stride = stride
    }
  }

  /// The first convolution, 3x3, an ordinary one.
  public let conv1: Conv2D
  /// The normalization behind it.
  public let bn1: BatchNorm2D
  /// The separable convolutions in order.
  public let blocks: [SeparableConvolution]
  /// From the means of the channels to the classes' logits.
  public let fc: Linear

  /// The published network.
  ///
  /// - Parameters:
  ///   - width: what all numbers of channels are multiplied by, the paper's alpha; published with 0.25, 0.5, 0.75, 1.
  ///   - classes: outputs.
  ///   - channels: of the images.
  ///   - generator: what the initial weights are drawn from.
  public init(
    width: Double = 1, classes: Int = 1000, channels: Int = 3, generator: RandomGenerator = .shared
  ) {
    let middle = [Step](repeating: Step(512), count: 5)
    self.init(
      stem: Step(32, stride: 2),
      steps: [
        Step(64), Step(128, stride: 2), Step(128), Step(256, stride: 2), Step(256), Step(512, stride: 2),
      ] + middle + [Step(1024, stride: 2), Step(1024)], width: width, classes: classes, channels: channels,
      generator: generator)
  }

  /// A network of any separable convolutions.
  ///
  /// - Parameters:
  ///   - stem: the first convolution, which is an ordinary one.
  ///   - steps: the separable ones that follow.
  /// - Precondition: there are steps, and `width` leaves each at least one channel.
  public init(
    stem: Step, steps: [Step], width: Double = 1, classes: Int, channels: Int = 3,
    generator: RandomGenerator = .shared
  ) {
    require(!steps.isEmpty, "MobileNet: needs at least one separable convolution")
    func scaled(_ channels: Int) -> Int {
      let scaled = Int(Double(channels) * width)
      require(scaled > 0, "MobileNet: width \(width) leaves none of \(channels) channels")
      return scaled
    }
    var inputs = scaled(stem.channels)
    conv1 = Conv2D(
      channels, inputs, kernel: 3, stride: Pair(stem.stride), padding: 1, bias: false, initializer: .he(),
      generator: generator)
    bn1 = BatchNorm2D(inputs)
    blocks = steps.map { step in
      let outputs = scaled(step.channels)
      defer { inputs = outputs }
      return SeparableConvolution(inputs, outputs, stride: step.stride, generator: generator)
    }
    fc = Linear(inputs, classes, generator: generator)
  }

  /// Logits `[N, classes]` of images `[N, channels, H, W]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = normalizedConvolution(conv1, bn1, x)
    for block in blocks { x = block(x) }
    return fc(adaptiveAveragePool2d(x, outputSize: 1).flattened(from: 1))
  }
}

/// A depthwise 3x3 and a pointwise 1x1 convolution, each with normalization and ReLU.
public struct SeparableConvolution: Layer {
  /// 3x3, each channel by itself.
  public let depthwise: Conv2D
  /// The normalization behind the depthwise convolution.
  public let bn1: BatchNorm2D
  /// 1x1, which mixes the channels of a pixel.
  public let pointwise: Conv2D
  /// The normalization behind the pointwise convolution.
  public let bn2: BatchNorm2D

  /// A block with new weights.
  ///
  /// - Parameters:
  ///   - inputs: channels of the images.
  ///   - outputs: channels of the result.
  ///   - stride: of the depthwise convolution; 2 halves the image's sides.
  public init(_ inputs: Int, _ outputs: Int, stride: Int = 1, generator: RandomGenerator = .shared) {
    depthwise = Conv2D(
      inputs, inputs, kernel: 3, stride: Pair(stride), padding: 1, groups: inputs, bias: false, initializer: .he(),
      generator: generator)
    bn1 = BatchNorm2D(inputs)
    pointwise = Conv2D(inputs, outputs, kernel: 1, bias: false, initializer: .he(), generator: generator)
    bn2 = BatchNorm2D(outputs)
  }

  /// `[N, outputs, outH, outW]` of `[N, inputs, H, W]`; sides are divided by the stride and rounded up.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    normalizedConvolution(pointwise, bn2, normalizedConvolution(depthwise, bn1, x))
  }
}
