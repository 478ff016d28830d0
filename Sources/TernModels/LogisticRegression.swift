// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// Multinomial logistic regression: one linear map from the pixels to the classes' logits.
///
/// With 784 inputs and 10 classes: 7,850 parameters.
public struct LogisticRegression: Layer {
  /// The map from a sample's numbers to the classes' logits.
  public let output: Linear

  /// A model with new weights.
  ///
  /// - Parameters:
  ///   - inputs: numbers in a sample, whatever its shape.
  ///   - classes: outputs.
  ///   - generator: what the initial weights are drawn from.
  /// - Precondition: both sizes are positive.
  public init(inputs: Int = 784, classes: Int = 10, generator: RandomGenerator = .shared) {
    output = Linear(inputs, classes, generator: generator)
  }

  /// Logits `[N, classes]` of samples `[N, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { output(x.flattened(from: 1)) }
}
