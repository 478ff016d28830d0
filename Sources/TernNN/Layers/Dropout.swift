// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Sets each element to 0 with some probability in training, and scales the rest by `1 / (1 - probability)`; passes
/// everything in inference (Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
/// 2014).
public struct Dropout: Layer {
  /// The chance of each element to become 0 in training.
  public let probability: Float
  /// What masks are drawn from; its state is part of a training checkpoint.
  public let generator: RandomGenerator

  /// A layer that draws a new mask at each call in training.
  ///
  /// - Parameters:
  ///   - probability: the chance of each element to become 0.
  ///   - generator: what masks are drawn from; the same state gives the same mask on every device.
  /// - Precondition: `probability` is in `0 ..< 1`.
  public init(_ probability: Float = 0.5, generator: RandomGenerator = .shared) {
    require((0..<1).contains(probability), "Dropout: the probability must be in 0 ..< 1, got \(probability)")
    self.probability = probability
    self.generator = generator
  }

  /// Same shape and dtype as `x`; `x` itself in inference.
  public func callAsFunction(_ x: Tensor) -> Tensor { dropout(x, probability: probability, generator: generator) }
}
