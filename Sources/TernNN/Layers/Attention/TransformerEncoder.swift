// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Sizes and settings that the layers of a transformer share.
public struct TransformerOptions: Sendable {
  /// Numbers between the two maps of the feed-forward part; four times the width when nil.
  public var feedForward: Int?
  /// What is applied there.
  public var activation: Activation
  /// The chance of a number to become 0 in training: attention probabilities, the feed-forward part's inner numbers,
  /// and what each part adds.
  public var dropout: Float
  /// Whether each part normalizes its input (pre-norm: Xiong et al., "On layer normalization in the transformer
  /// architecture", 2020) instead of the sum (post-norm, as published).
  public var normFirst: Bool
  /// Whether tensors are `[N, T, width]` instead of `[T, N, width]`.
  public var batchFirst: Bool
  /// Added to the variance in layer normalization.
  public var epsilon: Float
  /// Whether linear maps have biases.
  public var bias: Bool
  /// Heads of keys and values, if fewer than the layer has for queries; see `MultiHeadAttention`.
  public var keyValueHeads: Int?

  /// Options; by default those of the paper but for dropout, which is off.
  public init(
    feedForward: Int? = nil, activation: Activation = .relu, dropout: Float = 0, normFirst: Bool = false,
    batchFirst: Bool = true, epsilon: Float = 1e-5, bias: Bool = true, keyValueHeads: Int? = nil
  ) {
    self.feedForward = feedForward
    self.activation = activation
    self.dropout = dropout
    self.normFirst = normFirst
    self.batchFirst = batchFirst
    self.epsilon = epsilon
    self.bias = bias
    self.keyValueHeads = keyValueHeads
  }
}

/// Two linear maps with an activation between them, at each position by itself.
public struct FeedForward: Layer {
  /// From the width to the inner numbers; applies the activation.
  public let inner: Linear
  /// Behind the activation.
  public let dropout: Dropout
  /// Back to the width.
  public let outer: Linear

  /// A part with new weights, of `4 * width` inner numbers unless the options say otherwise.
  public init(_ width: Int, _ options: TransformerOptions = TransformerOptions(), generator: RandomGenerator = .shared)
  {
    let size = options.feedForward ?? 4 * width
    inner = Linear(width, size, bias: options.bias, activation: options.activation, generator: generator)
    dropout = Dropout(options.dropout, generator: generator)
    outer = Linear(size, width, bias: options.bias, generator: generator)
  }

  /// `[..., width]` of `[..., width]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { outer(dropout(inner(x))) }
}

/// A layer of a transformer's encoder (Vaswani et al.: "Attention is all you need", 2017), or of a decoder without
/// encoder, with a causal mask.
///
///     post-norm:  x = norm1(x + attention(x))     x = norm2(x + feedForward(x))
///     pre-norm:   x = x + attention(norm1(x))     x = x + feedForward(norm2(x))
public struct TransformerEncoderLayer: Layer {
  /// Every position to all others.
  public let attention: MultiHeadAttention
  /// Each position by itself.
  public let feedForward: FeedForward
  /// Of the attention part.
  public let norm1: LayerNorm
  /// Of the feed-forward part.
  public let norm2: LayerNorm
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
    attention = MultiHeadAttention(
      width, heads: heads, keyValueHeads: options.keyValueHeads, bias: options.bias, batchFirst: options.batchFirst,
      dropout: options.dropout, generator: generator)
    feedForward = FeedForward(width, options, generator: generator)
    norm1 = LayerNorm(width, epsilon: options.epsilon, bias: options.bias)
    norm2 = LayerNorm(width, epsilon: options.epsilon, bias: options.bias)
    dropout = Dropout(options.dropout, generator: generator)
    normFirst = options.normFirst
  }

  /// Of `x`'s shape, without a mask.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, mask: nil) }

  /// Of `x`'s shape.
  ///
  /// - Parameters:
  ///   - x: `[N, T, width]`, or `[T, N, width]`.
  ///   - mask: see `AttentionOptions.mask`.
  ///   - keyMask: `bool` `[N, T]`, false for padding.
  ///   - causal: whether positions see only those before them, and themselves.
  public func callAsFunction(_ x: Tensor, mask: Tensor?, keyMask: Tensor? = nil, causal: Bool = false) -> Tensor {
    let options = AttentionOptions(mask: mask, keyMask: keyMask, causal: causal, batchFirst: attention.batchFirst)
    return combined(x) { attention($0, $0, options: options) }
  }

  /// The next positions of a causal run; keys and values of those before them come from the cache.
  public func callAsFunction(_ x: Tensor, cache: inout KeyValueCache) -> Tensor {
    combined(x) { attention($0, cache: &cache) }
  }

  private func combined(_ x: Tensor, _ attend: (Tensor) -> Tensor) -> Tensor {
    let x = residual(x, norm1, dropout, normFirst: normFirst, attend)
    return residual(x, norm2, dropout, normFirst: normFirst) { feedForward($0) }
  }
}

/// A part of a transformer's layer, added to its input.
func residual(
  _ x: Tensor, _ norm: LayerNorm, _ dropout: Dropout, normFirst: Bool, _ part: (Tensor) -> Tensor
) -> Tensor {
  normFirst ? x + dropout(part(norm(x))) : norm(x + dropout(part(x)))
}

/// Layers of a transformer's encoder, and a last normalization where the layers normalize their inputs.
public struct TransformerEncoder: Layer {
  /// The layers in order.
  public let layers: [TransformerEncoderLayer]
  /// Behind the last layer; nil for post-norm layers, which end with one.
  public let norm: LayerNorm?

  /// An encoder with new weights.
  ///
  /// - Parameter finalNorm: whether a normalization follows; with pre-norm layers when nil.
  /// - Precondition: `heads` divides `width`.
  public init(
    _ width: Int, heads: Int, layers: Int, finalNorm: Bool? = nil, options: TransformerOptions = TransformerOptions(),
    generator: RandomGenerator = .shared
  ) {
    self.layers = (0..<layers).map { _ in
      TransformerEncoderLayer(width, heads: heads, options: options, generator: generator)
    }
    norm = finalNorm ?? options.normFirst ? LayerNorm(width, epsilon: options.epsilon, bias: options.bias) : nil
  }

  /// Of `x`'s shape, without a mask.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, mask: nil) }

  /// Of `x`'s shape; parameters are those of the layer.
  public func callAsFunction(_ x: Tensor, mask: Tensor?, keyMask: Tensor? = nil, causal: Bool = false) -> Tensor {
    let y = layers.reduce(x) { $1($0, mask: mask, keyMask: keyMask, causal: causal) }
    return norm.map { $0(y) } ?? y
  }

  /// The next positions of a causal run.
  ///
  /// - Parameter caches: one for each layer; empty before the first position.
  public func callAsFunction(_ x: Tensor, caches: inout [KeyValueCache]) -> Tensor {
    if caches.isEmpty { caches = layers.map { _ in KeyValueCache() } }
    require(
      caches.count == layers.count, "TransformerEncoder: needs \(layers.count) caches, one a layer, got \(caches.count)"
    )
    var y = x
    for (index, layer) in layers.enumerated() { y = layer(y, cache: &caches[index]) }
    return norm.map { $0(y) } ?? y
  }
}
