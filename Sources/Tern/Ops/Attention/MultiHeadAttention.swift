// SPDX-License-Identifier: MIT
import TernRuntime

/// The projections of multi-head attention with `width` numbers for each position.
public struct AttentionWeights: Sendable {
  /// `[3 * width, width]`: makes queries, keys and values, a third of the rows each.
  public let input: Tensor
  /// `[3 * width]`.
  public let inputBias: Tensor?
  /// `[width, width]`: maps the heads' results, one after the other, to the output.
  public let output: Tensor
  /// `[width]`.
  public let outputBias: Tensor?

  /// Projections; biases may be absent.
  public init(input: Tensor, inputBias: Tensor? = nil, output: Tensor, outputBias: Tensor? = nil) {
    self.input = input
    self.inputBias = inputBias
    self.output = output
    self.outputBias = outputBias
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
///   - key: `[N, S, width]` or `[S, N, width]`; the query itself for self-attention.
///   - value: of `key`'s shape; usually the same tensor.
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

/// Keys and values of the positions that self-attention has seen, for decoding one position, or a few, at a time.
public struct KeyValueCache: Sendable {
  /// `[N, heads, length, width / heads]`; nil before the first position.
  public private(set) var keys: Tensor?
  /// Of the same shape.
  public private(set) var values: Tensor?

  /// A cache without positions.
  public init() {}

  /// How many positions it holds.
  public var length: Int { keys?.shape[2] ?? 0 }

  fileprivate mutating func append(_ newKeys: Tensor, _ newValues: Tensor) {
    keys = keys.map { concatenated([$0, newKeys], along: 2) } ?? newKeys
    values = values.map { concatenated([$0, newValues], along: 2) } ?? newValues
  }
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
  let (query, key, value) = (
    operation.query.tensor(run.sources), operation.key.tensor(run.sources), operation.value.tensor(run.sources)
  )
  if let keys = cache.keys {
    require(
      keys.shape[0] == key.shape[0] && keys.shape[1] == heads && keys.shape[3] == key.shape[3],
      "multiHeadAttention: the cache \(keys.shape) does not fit new keys \(key.shape)")
  }
  cache.append(key, value)
  let step = AttentionOperation(
    plan: operation.plan, query: AttentionOperand(source: 0, layout: .heads),
    key: AttentionOperand(source: 1, layout: .heads), value: AttentionOperand(source: 2, layout: .heads),
    output: operation.output, dropout: operation.dropout)
  let y = step([query, cache.keys!, cache.values!], mask: run.mask)
  return linear(y.cast(to: x.dtype), weights.output, weights.outputBias)
}

/// Projected queries, keys and values, and what is to be done with them.
private struct ProjectedAttention {
  let sources: [Tensor]
  let operation: AttentionOperation
  let mask: Tensor?

  /// - Parameter seen: positions before those of `key`, in a cache; nil when there is none.
  init(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, _ heads: Int, _ weights: AttentionWeights,
    _ options: AttentionOptions, seen: Int? = nil
  ) {
    let name = "multiHeadAttention"
    let width = query.shape.last ?? 0
    let (batch, length) = options.batchFirst ? (0, 1) : (1, 0)
    require(
      query.rank == 3 && key.rank == 3 && key.shape == value.shape && key.shape[2] == width
        && key.shape[batch] == query.shape[batch],
      "\(name): needs query \(options.batchFirst ? "[N, T, width]" : "[T, N, width]") and key and value alike, got "
        + "\(query.shape), \(key.shape) and \(value.shape)")
    require(heads >= 1 && width % heads == 0, "\(name): the width \(width) must be a multiple of \(heads) heads")
    require(
      weights.input.shape == [3 * width, width] && weights.output.shape == [width, width],
      "\(name): the projections must be [\(3 * width), \(width)] and [\(width), \(width)], got "
        + "\(weights.input.shape) and \(weights.output.shape)")
    checkAttentionDropout(name, options.dropout)
    let size = width / heads
    func project(_ x: Tensor, _ thirds: Range<Int>) -> Tensor {
      let rows = thirds.lowerBound * width..<thirds.upperBound * width
      let weight = weights.input.sliced(along: 0, from: rows.lowerBound, to: rows.upperBound)
      let bias = weights.inputBias?.sliced(along: 0, from: rows.lowerBound, to: rows.upperBound)
      return linear(x, weight, bias).cast(to: .float32)
    }
    func columns(_ first: Int) -> AttentionOperand.Layout {
      .columns(first: first * width, heads: heads, size: size, batchFirst: options.batchFirst)
    }
    let operands: [AttentionOperand]
    if query.isSame(as: key) && key.isSame(as: value) {
      sources = [project(query, 0..<3)]
      operands = (0..<3).map { AttentionOperand(source: 0, layout: columns($0)) }
    } else if key.isSame(as: value) {
      sources = [project(query, 0..<1), project(key, 1..<3)]
      operands = [(0, 0), (1, 0), (1, 1)].map { AttentionOperand(source: $0, layout: columns($1)) }
    } else {
      sources = [project(query, 0..<1), project(key, 1..<2), project(value, 2..<3)]
      operands = (0..<3).map { AttentionOperand(source: $0, layout: columns(0)) }
    }
    let plan = Attention(
      batch: query.shape[batch], heads: heads, queries: query.shape[length], keys: key.shape[length] + (seen ?? 0),
      scale: 1 / Float(size).squareRoot(), causalOffset: options.causal || seen != nil ? seen ?? 0 : nil)
    operation = AttentionOperation(
      plan: plan, query: operands[0], key: operands[1], value: operands[2], output: columns(0),
      dropout: AttentionOperation.Dropped(options.dropout, options.generator))
    mask = Self.mask(name, options, plan)
  }

  /// Both masks in one.
  private static func mask(_ name: String, _ options: AttentionOptions, _ plan: Attention) -> Tensor? {
    var mask = options.mask
    if let given = mask, given.rank == 3 { mask = given.expanded(at: 1) }
    if let keyMask = options.keyMask {
      require(
        keyMask.dtype == .bool && keyMask.shape == [plan.batch, plan.keys],
        "\(name): the key mask must be bool [\(plan.batch), \(plan.keys)], got \(keyMask.dtype) \(keyMask.shape)")
      let keys = keyMask.reshaped(to: [plan.batch, 1, 1, plan.keys])
      mask = mask.map { $0.dtype == .bool ? $0 .& keys : `where`(keys, $0, -Float.infinity) } ?? keys
    }
    return mask.map { attentionMask(name, $0, broadcastTo: plan.shape) }
  }
}

extension Tensor {
  /// Whether two tensors are the same view of the same value in the same place of the graph.
  fileprivate func isSame(as other: Tensor) -> Bool {
    value === other.value && shape == other.shape && strides == other.strides && offset == other.offset
      && node === other.node
  }
}
