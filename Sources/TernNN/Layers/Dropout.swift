// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Sets each element to 0 with some probability in training, and scales the rest by `1 / (1 - probability)`; passes
/// everything in inference (Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
/// 2014).
public struct Dropout: Layer {
  public let probability: Float
  /// What masks are drawn from; its state is part of a training checkpoint.
  public let generator: RandomGenerator

  /// - Precondition: `probability` is in `0 ..< 1`.
  public init(_ probability: Float = 0.5, generator: RandomGenerator = .shared) {
    require((0..<1).contains(probability), "Dropout: the probability must be in 0 ..< 1, got \(probability)")
    self.probability = probability
    self.generator = generator
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { dropout(x, probability: probability, generator: generator) }
}
