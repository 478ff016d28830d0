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

/// Sets whole channels of `[N, channels, ...]` to 0 with some probability in training; see `channelDropout`.
public struct ChannelDropout: Layer {
  /// The chance of each channel to become 0 in training.
  public let probability: Float
  /// What masks are drawn from; its state is part of a training checkpoint.
  public let generator: RandomGenerator

  /// A layer that draws a new mask at each call in training.
  ///
  /// - Parameters:
  ///   - probability: the chance of each channel to become 0.
  ///   - generator: what masks are drawn from; the same state gives the same mask on every device.
  /// - Precondition: `probability` is in `0 ..< 1`.
  public init(_ probability: Float = 0.5, generator: RandomGenerator = .shared) {
    require((0..<1).contains(probability), "ChannelDropout: the probability must be in 0 ..< 1, got \(probability)")
    self.probability = probability
    self.generator = generator
  }

  /// Same shape and dtype as `x`; `x` itself in inference.
  ///
  /// - Precondition: `x` is `[N, channels, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    channelDropout(x, probability: probability, generator: generator)
  }
}

/// Dropout for networks with SELU, which keeps mean 0 and variance 1; see `alphaDropout`.
public struct AlphaDropout: Layer {
  /// The chance of each element to be dropped in training.
  public let probability: Float
  /// Whether whole channels of `[N, channels, ...]` are dropped.
  public let byChannel: Bool
  /// What masks are drawn from; its state is part of a training checkpoint.
  public let generator: RandomGenerator

  /// A layer that draws a new mask at each call in training.
  ///
  /// - Parameters:
  ///   - probability: the chance of each element to be dropped.
  ///   - byChannel: drops whole channels.
  ///   - generator: what masks are drawn from; the same state gives the same mask on every device.
  /// - Precondition: `probability` is in `0 ..< 1`.
  public init(_ probability: Float = 0.5, byChannel: Bool = false, generator: RandomGenerator = .shared) {
    require((0..<1).contains(probability), "AlphaDropout: the probability must be in 0 ..< 1, got \(probability)")
    self.probability = probability
    self.byChannel = byChannel
    self.generator = generator
  }

  /// Same shape and dtype as `x`; `x` itself in inference.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    alphaDropout(x, probability: probability, byChannel: byChannel, generator: generator)
  }
}
