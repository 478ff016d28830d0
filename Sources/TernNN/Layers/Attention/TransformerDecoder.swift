// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// What a decoder's positions may attend to.
public struct DecoderMasks: Sendable {
  /// Between the decoder's own positions, besides causality; see `AttentionOptions.mask`.
  public var own: Tensor?
  /// `bool` `[N, T]`, false for padding of the decoder's input.
  public var ownKeys: Tensor?
  /// From the decoder's positions to those of the memory.
  public var memory: Tensor?
  /// `bool` `[N, S]`, false for padding of the memory.
  public var memoryKeys: Tensor?
  /// Whether positions see only those before them, and themselves.
  public var causal: Bool

  /// Masks; a causal decoder without padding by default.
  public init(
    own: Tensor? = nil, ownKeys: Tensor? = nil, memory: Tensor? = nil, memoryKeys: Tensor? = nil, causal: Bool = true
  ) {
    self.own = own
    self.ownKeys = ownKeys
    self.memory = memory
    self.memoryKeys = memoryKeys
    self.causal = causal
  }
}

/// A layer of a transformer's decoder (Vaswani et al.: "Attention is all you need", 2017): causal self-attention,
/// attention to the encoder's result, and a feed-forward part, each added to its input and normalized.
public struct TransformerDecoderLayer: Module {
  /// Between the decoder's positions.
  public let attention: MultiHeadAttention
  /// To the memory.
  public let crossAttention: MultiHeadAttention
  /// Each position by itself.
  public let feedForward: FeedForward
  /// Of the self-attention part.
  public let norm1: LayerNorm
  /// Of the part that attends to the memory.
  public let norm2: LayerNorm
  /// Of the feed-forward part.
  public let norm3: LayerNorm
  /// Of what each part adds.
  public let dropout: Dropout
  /// Whether the parts normalize their inputs instead of their sums.
  public let normFirst: Bool

  /// A layer with new weights.
  ///
  /// - Precondition: `heads` divides `width`.
  public init(
    _ width: Int, heads: Int, options: TransformerOptions = TransformerOptions(), generator: RandomGenerator = .shared
  ) {
    func makeAttention() -> MultiHeadAttention {
      MultiHeadAttention(
        width, heads: heads, keyValueHeads: options.keyValueHeads, bias: options.bias, batchFirst: options.batchFirst,
        dropout: options.dropout, generator: generator)
    }
    func makeNorm() -> LayerNorm { LayerNorm(width, epsilon: options.epsilon, bias: options.bias) }
    attention = makeAttention()
    crossAttention = makeAttention()
    feedForward = FeedForward(width, options, generator: generator)
    (norm1, norm2, norm3) = (makeNorm(), makeNorm(), makeNorm())
    dropout = Dropout(options.dropout, generator: generator)
    normFirst = options.normFirst
  }

  /// Of `x`'s shape.
  ///
  /// - Parameters:
  ///   - x: `[N, T, width]`, or `[T, N, width]`.
  ///   - memory: the encoder's result, `[N, S, width]` or `[S, N, width]`.
  public func callAsFunction(_ x: Tensor, memory: Tensor, masks: DecoderMasks = DecoderMasks()) -> Tensor {
    let options = AttentionOptions(
      mask: masks.own, keyMask: masks.ownKeys, causal: masks.causal, batchFirst: attention.batchFirst)
    return combined(x, memory, masks) { attention($0, $0, options: options) }
  }

  /// The next positions; keys and values of those before them come from the cache. `masks.own` and `masks.ownKeys` span
  /// the keys of the cache and the new ones.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, cache: inout KeyValueCache, masks: DecoderMasks = DecoderMasks()
  ) -> Tensor {
    let options = AttentionOptions(mask: masks.own, keyMask: masks.ownKeys, batchFirst: attention.batchFirst)
    return combined(x, memory, masks) { attention($0, cache: &cache, options: options) }
  }

  private func combined(
    _ x: Tensor, _ memory: Tensor, _ masks: DecoderMasks, _ attend: (Tensor) -> Tensor
  ) -> Tensor {
    let options = AttentionOptions(
      mask: masks.memory, keyMask: masks.memoryKeys, batchFirst: crossAttention.batchFirst)
    var y = residual(x, norm1, dropout, normFirst: normFirst, attend)
    y = residual(y, norm2, dropout, normFirst: normFirst) { crossAttention($0, memory, options: options) }
    return residual(y, norm3, dropout, normFirst: normFirst) { feedForward($0) }
  }
}

/// Layers of a transformer's decoder, and a last normalization where the layers normalize their inputs.
public struct TransformerDecoder: Module {
  /// The layers in order.
  public let layers: [TransformerDecoderLayer]
  /// Behind the last layer; nil for post-norm layers, which end with one.
  public let norm: LayerNorm?

  /// A decoder with new weights.
  ///
  /// - Parameter finalNorm: whether a normalization follows; with pre-norm layers when nil.
  /// - Precondition: `heads` divides `width`.
  public init(
    _ width: Int, heads: Int, layers: Int, finalNorm: Bool? = nil, options: TransformerOptions = TransformerOptions(),
    generator: RandomGenerator = .shared
  ) {
    self.layers = (0..<layers).map { _ in
      TransformerDecoderLayer(width, heads: heads, options: options, generator: generator)
    }
    norm = finalNorm ?? options.normFirst ? LayerNorm(width, epsilon: options.epsilon, bias: options.bias) : nil
  }

  /// Of `x`'s shape; parameters are those of the layer.
  public func callAsFunction(_ x: Tensor, memory: Tensor, masks: DecoderMasks = DecoderMasks()) -> Tensor {
    let y = layers.reduce(x) { $1($0, memory: memory, masks: masks) }
    return norm.map { $0(y) } ?? y
  }

  /// The next positions.
  ///
  /// - Parameter caches: one for each layer; empty before the first position.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, caches: inout [KeyValueCache], masks: DecoderMasks = DecoderMasks()
  ) -> Tensor {
    if caches.isEmpty { caches = layers.map { _ in KeyValueCache() } }
    require(
      caches.count == layers.count, "TransformerDecoder: needs \(layers.count) caches, one a layer, got \(caches.count)"
    )
    var y = x
    for (index, layer) in layers.enumerated() { y = layer(y, memory: memory, cache: &caches[index], masks: masks) }
    return norm.map { $0(y) } ?? y
  }
}
