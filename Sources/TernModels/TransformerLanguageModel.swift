// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// A language model of transformer layers: embedding, positions, attention layers, and a linear map to logits.
///
/// By default causal, with pre-norm layers and GELU as in GPT-2 (Radford et al., 2019).
public struct TransformerLanguageModel: Layer {
  /// How a position becomes part of a symbol's vector.
  public enum Positions: Sendable {
    /// Not at all.
    case none
    /// Sines and cosines.
    case sinusoidal
    /// A trained vector for each of so many positions.
    case learned(Int)
  }

  /// A vector for each symbol.
  public let embedding: Embedding
  /// Sines and cosines, if those were asked for.
  public let sinusoidal: SinusoidalPositions?
  /// Trained positions, if those were asked for.
  public let learned: LearnedPositions?
  /// The layers.
  public let encoder: TransformerEncoder
  /// From the width to logits.
  public let output: Linear
  /// Whether positions see only those before them, and themselves.
  public let causal: Bool

  /// A model with new weights.
  ///
  /// - Parameters:
  ///   - symbols: how many there are.
  ///   - width: numbers for each position; a multiple of `heads`.
  ///   - positions: how positions are told apart.
  ///   - causal: whether positions see only those before them, and themselves.
  ///   - finalNorm: whether a normalization follows the last layer; with pre-norm layers when nil.
  ///   - options: of the layers.
  ///   - generator: what the initial weights are drawn from.
  public init(
    symbols: Int, width: Int, heads: Int, layers: Int, positions: Positions = .sinusoidal, causal: Bool = true,
    finalNorm: Bool? = nil, options: TransformerOptions = TransformerOptions(activation: .gelu, normFirst: true),
    generator: RandomGenerator = .shared
  ) {
    var options = options
    options.batchFirst = true
    embedding = Embedding(symbols, width, generator: generator)
    switch positions {
    case .none: (sinusoidal, learned) = (nil, nil)
    case .sinusoidal: (sinusoidal, learned) = (SinusoidalPositions(width), nil)
    case .learned(let length): (sinusoidal, learned) = (nil, LearnedPositions(length, width, generator: generator))
    }
    encoder = TransformerEncoder(
      width, heads: heads, layers: layers, finalNorm: finalNorm, options: options, generator: generator)
    output = Linear(width, symbols, generator: generator)
    self.causal = causal
  }

  /// Logits `[N, T, symbols]` at each of the positions `[N, T]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    output(encoder(located(x, from: 0), mask: nil, causal: causal))
  }

  /// The same for the next positions of a causal model.
  ///
  /// - Parameter caches: keys and values of the positions before; empty at the beginning.
  /// - Precondition: the model is causal.
  public func callAsFunction(_ x: Tensor, caches: inout [KeyValueCache]) -> Tensor {
    require(causal, "TransformerLanguageModel: only a causal model can go on from where it was")
    return output(encoder(located(x, from: caches.first?.length ?? 0), caches: &caches))
  }

  private func located(_ x: Tensor, from start: Int) -> Tensor {
    let vectors = embedding(x)
    return sinusoidal.map { $0(vectors, from: start) } ?? learned.map { $0(vectors, from: start) } ?? vectors
  }
}
