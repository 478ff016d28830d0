// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// Residual networks (He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015).
///
///     images [N, 3, H, W]  stem  [N, 64, ...]  4 stages of blocks, the last three halve the size
///                          mean of each channel  [N, 512 or 2048]  linear  [N, classes]
///
/// | depth | block      | blocks in a stage | parameters, 1000 classes |
/// |-------|------------|-------------------|--------------------------|
/// | 18    | basic      | 2, 2, 2, 2        | 11,689,512               |
/// | 34    | basic      | 3, 4, 6, 3        | 21,797,672               |
/// | 50    | bottleneck | 3, 4, 6, 3        | 25,557,032               |
/// | 101   | bottleneck | 3, 4, 23, 3       | 44,549,160               |
/// | 152   | bottleneck | 3, 8, 36, 3       | 60,192,808               |
///
/// Bottlenecks have their stride in the 3x3 convolution, as it is commonly built today. Convolutions start as normal
/// with variance `2 / fanOut` (He et al., "Delving deep into rectifiers", 2015), normalization as the identity.
/// Parameters have torchvision's names and order (`layer1.0.conv1.weight`).
public struct ResNet: Layer {
  /// The published sizes, by the number of layers with weights.
  public enum Depth: Int, CaseIterable, Sendable {
    /// ResNet-18.
    case layers18 = 18
    /// ResNet-34.
    case layers34 = 34
    /// ResNet-50.
    case layers50 = 50
    /// ResNet-101.
    case layers101 = 101
    /// ResNet-152.
    case layers152 = 152

    /// Blocks in each of the four stages.
    public var blocks: [Int] {
      switch self {
      case .layers18: [2, 2, 2, 2]
      case .layers34, .layers50: [3, 4, 6, 3]
      case .layers101: [3, 4, 23, 3]
      case .layers152: [3, 8, 36, 3]
      }
    }

    /// The kind of its blocks.
    public var block: Block { rawValue < 50 ? .basic : .bottleneck }
  }

  /// What a stage is made of: convolutions beside a shortcut that adds their input to their result.
  public enum Block: Sendable {
    /// Two 3x3 convolutions.
    case basic
    /// 1x1, 3x3 and 1x1, the last with four times the channels.
    case bottleneck
  }

  /// What images go through before the first stage.
  public enum Stem: Sendable {
    /// 7x7 with stride 2 and max pooling: for images of 224 x 224 pixels, of which a quarter of a side is left.
    case imageNet
    /// 3x3 with stride 1, without pooling: for images of 32 x 32 pixels.
    case cifar
  }

  /// The stem's convolution.
  public let conv1: Conv2D
  /// The normalization behind it.
  public let bn1: BatchNorm2D
  /// Blocks of the first stage, at the size that the stem leaves.
  public let layer1: [any Layer]
  /// Blocks of the second stage, which halves the sides.
  public let layer2: [any Layer]
  /// Blocks of the third stage, which halves them again.
  public let layer3: [any Layer]
  /// Blocks of the last stage, which halves them once more.
  public let layer4: [any Layer]
  /// From the means of the channels to the classes' logits.
  public let fc: Linear
  /// What images go through before the first stage.
  public let stem: Stem

  /// A network of a published size with new weights.
  ///
  /// - Parameters:
  ///   - depth: layers with weights, which also says what blocks there are.
  ///   - classes: outputs.
  ///   - channels: of the images.
  ///   - generator: what the initial weights are drawn from.
  public init(
    _ depth: Depth, stem: Stem = .imageNet, classes: Int = 1000, channels: Int = 3,
    generator: RandomGenerator = .shared
  ) {
    self.init(
      blocks: depth.blocks, of: depth.block, stem: stem, classes: classes, channels: channels, generator: generator)
  }

  /// A network of any size with new weights.
  ///
  /// - Parameters:
  ///   - blocks: how many each of the four stages has.
  ///   - block: the kind of all blocks.
  ///   - width: channels of the first stage's 3x3 convolutions; each further stage has twice as many.
  ///   - classes: outputs.
  ///   - channels: of the images.
  ///   - generator: what the initial weights are drawn from.
  /// - Precondition: there are four stages, each with a block.
  public init(
    blocks: [Int], of block: Block, stem: Stem = .imageNet, width: Int = 64, classes: Int = 1000, channels: Int = 3,
    generator: RandomGenerator = .shared
  ) {
    require(
      blocks.count == 4 && blocks.allSatisfy { $0 > 0 }, "ResNet: needs the blocks of four stages, got \(blocks)")
    self.stem = stem
    conv1 =
      switch stem {
      case .imageNet:
        convolution(channels, width, kernel: 7, stride: 2, generator)
      case .cifar:
        convolution(channels, width, kernel: 3, generator)
      }
    bn1 = BatchNorm2D(width)
    var inputs = width
    func stage(_ index: Int) -> [any Layer] {
      let width = width << index
      return (0..<blocks[index]).map { position in
        let stride = index > 0 && position == 0 ? 2 : 1
        defer { inputs = block == .basic ? width : 4 * width }
        return switch block {
        case .basic: BasicBlock(inputs, width, stride: stride, generator)
        case .bottleneck: Bottleneck(inputs, width, stride: stride, generator)
        }
      }
    }
    layer1 = stage(0)
    layer2 = stage(1)
    layer3 = stage(2)
    layer4 = stage(3)
    fc = Linear(inputs, classes, generator: generator)
  }

  /// Logits `[N, classes]` of images `[N, channels, H, W]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = normalizedConvolution(conv1, bn1, x)
    if stem == .imageNet { x = maxPool2d(x, window: 3, stride: 2, padding: 1) }
    for block in layer1 + layer2 + layer3 + layer4 { x = block(x) }
    return fc(adaptiveAveragePool2d(x, outputSize: 1).flattened(from: 1))
  }
}

/// Two 3x3 convolutions beside a shortcut.
private struct BasicBlock: Layer {
  let conv1: Conv2D
  let bn1: BatchNorm2D
  let conv2: Conv2D
  let bn2: BatchNorm2D
  let downsample: Shortcut?

  init(_ inputs: Int, _ width: Int, stride: Int, _ generator: RandomGenerator) {
    conv1 = convolution(inputs, width, kernel: 3, stride: stride, generator)
    bn1 = BatchNorm2D(width)
    conv2 = convolution(width, width, kernel: 3, generator)
    bn2 = BatchNorm2D(width)
    downsample = makeShortcut(inputs, width, stride: stride, generator)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = normalizedConvolution(conv1, bn1, x)
    return normalizedConvolution(conv2, bn2, y, adding: shortcut(downsample, x))
  }
}

/// Convolutions of 1x1 to fewer channels, 3x3, and 1x1 to more, beside a shortcut.
private struct Bottleneck: Layer {
  let conv1: Conv2D
  let bn1: BatchNorm2D
  let conv2: Conv2D
  let bn2: BatchNorm2D
  let conv3: Conv2D
  let bn3: BatchNorm2D
  let downsample: Shortcut?

  init(_ inputs: Int, _ width: Int, stride: Int, _ generator: RandomGenerator) {
    conv1 = convolution(inputs, width, kernel: 1, generator)
    bn1 = BatchNorm2D(width)
    conv2 = convolution(width, width, kernel: 3, stride: stride, generator)
    bn2 = BatchNorm2D(width)
    conv3 = convolution(width, 4 * width, kernel: 1, generator)
    bn3 = BatchNorm2D(4 * width)
    downsample = makeShortcut(inputs, 4 * width, stride: stride, generator)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    var y = normalizedConvolution(conv1, bn1, x)
    y = normalizedConvolution(conv2, bn2, y)
    return normalizedConvolution(conv3, bn3, y, adding: shortcut(downsample, x))
  }
}

/// A 1x1 convolution and its normalization; a tuple, so that its parameters are called `downsample.0` and `.1`.
private typealias Shortcut = (Conv2D, BatchNorm2D)

/// The projection that a block needs whose output differs from its input in shape; nil where the input itself is added.
private func makeShortcut(_ inputs: Int, _ outputs: Int, stride: Int, _ generator: RandomGenerator) -> Shortcut? {
  if stride == 1 && inputs == outputs { return nil }
  return (convolution(inputs, outputs, kernel: 1, stride: stride, generator), BatchNorm2D(outputs))
}

private func shortcut(_ projection: Shortcut?, _ x: Tensor) -> Tensor {
  projection.map { normalizedConvolution($0.0, $0.1, x, rectified: false) } ?? x
}

/// A convolution without bias, since a normalization follows, padded so that stride 1 keeps the size.
private func convolution(
  _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, _ generator: RandomGenerator
) -> Conv2D {
  Conv2D(
    inputs, outputs, kernel: Pair(kernel), stride: Pair(stride), padding: .symmetric(Pair(kernel / 2)), bias: false,
    initializer: .he(fan: .output), generator: generator)
}
