// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// A multilayer perceptron: linear layers with ReLU between them.
///
/// By default 784-512-512-10, which has 669,706 parameters.
public struct MLP: Layer {
  /// All layers in order; the last has no activation.
  public let layers: [Linear]

  /// A network with new weights.
  ///
  /// - Parameters:
  ///   - sizes: numbers in a sample, then each layer's outputs; the last are the classes' logits.
  ///   - generator: what the initial weights are drawn from.
  /// - Precondition: `sizes` has at least two entries, all positive.
  public init(_ sizes: [Int] = [784, 512, 512, 10], generator: RandomGenerator = .shared) {
    require(sizes.count >= 2, "MLP: sizes must name inputs and outputs, got \(sizes)")
    let last = sizes.count - 2
    layers = (0...last).map { index in
      Linear(
        sizes[index], sizes[index + 1], activation: index == last ? .none : .relu, generator: generator)
    }
  }

  /// Logits `[N, classes]` of samples `[N, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    layers.reduce(x.flattened(from: 1)) { $1($0) }
  }
}
