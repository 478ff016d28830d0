// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// LeNet-5 for images of 28 x 28 pixels (LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
/// recognition", 1998), fully connected throughout, as it is commonly built today: 61,706 parameters.
///
///     [N, 1, 28, 28]  conv 5x5, padding 2  [N, 6, 28, 28]   pool 2  [N, 6, 14, 14]
///                     conv 5x5             [N, 16, 10, 10]  pool 2  [N, 16, 5, 5]
///                     linear 400-120-84-10
public struct LeNet5: Layer {
  /// 5x5 from one channel to 6, with padding 2.
  public let convolution1: Conv2D
  /// 5x5 from 6 channels to 16.
  public let convolution2: Conv2D
  /// From 400 numbers, 16 planes of 5x5, to 120.
  public let linear1: Linear
  /// From 120 to 84.
  public let linear2: Linear
  /// From 84 to the classes' logits.
  public let output: Linear
  /// Hyperbolic tangent and average pooling, as published; else ReLU and max pooling.
  public let isClassic: Bool

  /// A network with new weights.
  ///
  /// - Parameters:
  ///   - classic: whether to use the published activation and pooling.
  ///   - classes: outputs.
  ///   - generator: what the initial weights are drawn from.
  public init(classic: Bool = false, classes: Int = 10, generator: RandomGenerator = .shared) {
    isClassic = classic
    let activation = classic ? Activation.tanh : .relu
    convolution1 = Conv2D(1, 6, kernel: 5, padding: 2, activation: activation, generator: generator)
    convolution2 = Conv2D(6, 16, kernel: 5, activation: activation, generator: generator)
    linear1 = Linear(16 * 5 * 5, 120, activation: activation, generator: generator)
    linear2 = Linear(120, 84, activation: activation, generator: generator)
    output = Linear(84, classes, generator: generator)
  }

  /// Logits `[N, classes]` of images `[N, 1, 28, 28]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let x = pooled(convolution2(pooled(convolution1(x)))).flattened(from: 1)
    return output(linear2(linear1(x)))
  }

  private func pooled(_ x: Tensor) -> Tensor {
    isClassic ? averagePool2d(x, window: 2) : maxPool2d(x, window: 2)
  }
}
