// SPDX-License-Identifier: MIT
import TernRuntime

/// The projections of multi-head attention with `width` numbers for each position.
///
/// Keys and values may have fewer heads than queries (grouped-query attention; Ainslie et al.: "GQA", 2023): their rows
/// are then fewer, and each of their heads serves as many neighbouring heads of the queries.
public struct AttentionWeights: Sendable {
  /// `[3 * width, width]`: makes queries, keys and values, a third of the rows each; with fewer heads of keys and
  /// values `[width + 2 * rows, width]`. Only the queries, `[width, width]`, where keys and values have weights of
  /// their own.
  public let input: Tensor
  /// `[rows, key width]`; nil where `input` makes the keys.
  public let key: Tensor?
  /// `[rows, value width]`; nil where `input` makes the values.
  public let value: Tensor?
  /// For queries, keys and values: `[3 * width]`, or fewer as the weights' rows are.
  public let inputBias: Tensor?
  /// `[width, width]`: maps the heads' results, one after the other, to the output.
  public let output: Tensor
  /// `[width]`.
  public let outputBias: Tensor?

  /// Projections of tensors of one width; biases may be absent.
  public init(input: Tensor, inputBias: Tensor? = nil, output: Tensor, outputBias: Tensor? = nil) {
    (self.input, key, value) = (input, nil, nil)
    (self.inputBias, self.output, self.outputBias) = (inputBias, output, outputBias)
  }

  /// Projections of queries, keys and values that may differ in width.
  ///
  /// - Parameter inputBias: of queries, keys and values, one behind the other.
  public init(
    query: Tensor, key: Tensor, value: Tensor, inputBias: Tensor? = nil, output: Tensor, outputBias: Tensor? = nil
  ) {
    (input, self.key, self.value) = (query, key, value)
    (self.inputBias, self.output, self.outputBias) = (inputBias, output, outputBias)
  }
}

/// What multi-head attention may attend to, and how its tensors are laid out.
public struct AttentionOptions: Sendable {
  /// Broadcasts to `[N, heads, T, S]`; also `[N, T, S]`. `bool`, true where a query may attend, or floating point,
  /// added to the scaled scores.
  public var mask: Tensor?
  /// `bool` `[N, S]`: false for keys that no query may attend to, padding say.
  public var keyMask: Tensor?
  /// Whether query `i` attends to the keys `0 ... i` only.
  public var causal: Bool
  /// Whether tensors are `[N, T, width]` instead of `[T, N, width]`.
  public var batchFirst: Bool
  /// The chance of an attention probability to become 0, in training mode.
  public var dropout: Float
  /// Where dropout's masks come from.
  public var generator: RandomGenerator

  /// Options, all with the usual defaults.
  public init(
    mask: Tensor? = nil, keyMask: Tensor? = nil, causal: Bool = false, batchFirst: Bool = true, dropout: Float = 0,
    generator: RandomGenerator = .shared
  ) {
    self.mask = mask
    self.keyMask = keyMask
    self.causal = causal
    self.batchFirst = batchFirst
    self.dropout = dropout
    self.generator = generator
  }
}

/// Multi-head attention (Vaswani et al.: "Attention is all you need", 2017): projects queries, keys and values, lets
/// each head attend with its own columns, and projects what all heads found.
///
/// Queries, keys and values that are one tensor are projected in one product, and the heads are read from its columns
/// where they stand.
///
/// - Parameters:
///   - query: `[N, T, width]`, or `[T, N, width]`.
///   - key: `[N, S, width]` or `[S, N, width]`; the query itself for self-attention. Of another width if it has weights
///     of its own.
///   - value: as long as `key`; usually the same tensor. Of another width likewise.
///   - heads: a divisor of `width`.
/// - Returns: of `query`'s shape. Differentiable twice.
public func multiHeadAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, heads: Int, _ weights: AttentionWeights,
  options: AttentionOptions = AttentionOptions()
) -> Tensor {
  let run = ProjectedAttention(query, key, value, heads, weights, options)
  let y = run.operation(run.sources, mask: run.mask)
  return linear(y.cast(to: query.dtype), weights.output, weights.outputBias)
}

/// `multiHeadAttention` together with the probabilities, averaged over the heads: `[N, T, S]`. It keeps all scores on
/// the way, so it takes more time and memory.
public func multiHeadAttentionWithWeights(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, heads: Int, _ weights: AttentionWeights,
  options: AttentionOptions = AttentionOptions()
) -> (outputs: Tensor, weights: Tensor) {
  let run = ProjectedAttention(query, key, value, heads, weights, options)
  let (y, probabilities) = run.operation.composed(run.sources, mask: run.mask)
  return (
    linear(y.cast(to: query.dtype), weights.output, weights.outputBias),
    probabilities.mean(along: 1).cast(to: query.dtype)
  )
}

/// Causal self-attention of the next positions to themselves and to all before them.
///
/// - Parameters:
///   - x: `[N, T, width]`, or `[T, N, width]`: the positions after those in the cache.
///   - cache: takes their keys and values.
///   - options: `mask` and `keyMask` span the keys of the cache and the new ones. Attention is causal in any case.
/// - Returns: of `x`'s shape: what `multiHeadAttention` over the whole sequence finds at these positions.
public func multiHeadAttention(
  _ x: Tensor, cache: inout KeyValueCache, heads: Int, _ weights: AttentionWeights,
  options: AttentionOptions = AttentionOptions()
) -> Tensor {
  let run = ProjectedAttention(x, x, x, heads, weights, options, seen: cache.length)
  let operation = run.operation
  cache.append(operation.key.tensor(run.sources), operation.value.tensor(run.sources))
  let step = AttentionOperation(
    plan: operation.plan, query: AttentionOperand(source: 0, layout: .heads),
    key: AttentionOperand(source: 1, layout: .heads), value: AttentionOperand(source: 2, layout: .heads),
    output: operation.output, dropout: operation.dropout)
  let y = step([operation.query.tensor(run.sources), cache.keys!, cache.values!], mask: run.mask)
  return linear(y.cast(to: x.dtype), weights.output, weights.outputBias)
}
