// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Multi-head attention; see `multiHeadAttention`.
///
///     let attention = MultiHeadAttention(256, heads: 4)
///     let y = attention(x)                                  // self-attention, [N, T, 256]
///     let z = attention(x, memory, options: AttentionOptions(keyMask: isWord))
///
/// `options.batchFirst`, `.dropout` and `.generator` are the layer's own; what is given there does not count.
public struct MultiHeadAttention: Layer {
  /// Makes queries, keys and values: `[3 * width, width]`, or fewer rows with fewer heads of keys and values. Only the
  /// queries, `[width, width]`, where keys or values have a width of their own.
  public let inputWeight: Parameter
  /// Makes keys where they, or values, have a width of their own: `[width, keyDimension]`.
  public let keyWeight: Parameter?
  /// Makes values where they, or keys, have a width of their own: `[width, valueDimension]`.
  public let valueWeight: Parameter?
  /// For queries, keys and values: `[3 * width]`, zeros at first; nil without biases.
  public let inputBias: Parameter?
  /// Maps the heads' results to the output.
  public let output: Linear
  /// A divisor of the width.
  public let heads: Int
  /// Whether tensors are `[N, T, width]` instead of `[T, N, width]`.
  public let batchFirst: Bool
  /// The chance of an attention probability to become 0, in training mode.
  public let dropout: Float
  /// Where dropout's masks come from.
  public let generator: RandomGenerator

  /// A layer with new weights: Xavier's uniform for the input, uniform in `±1 / sqrt(width)` for the output; biases are
  /// zero.
  ///
  /// - Parameters:
  ///   - keyDimension: the width of what keys are made from, if not `width`.
  ///   - valueDimension: the width of what values are made from, if not `width`.
  ///   - keyValueHeads: heads of keys and values, if fewer than `heads`: each serves `heads / keyValueHeads` heads of
  ///     queries, and a cache holds so much less.
  /// - Precondition: `heads` divides `width`, `keyValueHeads` divides `heads`, and `dropout` is in `0 ..< 1`.
  public init(
    _ width: Int, heads: Int, keyDimension: Int? = nil, valueDimension: Int? = nil, keyValueHeads: Int? = nil,
    bias: Bool = true, batchFirst: Bool = true, dropout: Float = 0, generator: RandomGenerator = .shared
  ) {
    require(
      heads > 0 && width > 0 && width % heads == 0,
      "MultiHeadAttention: the width \(width) must be a positive multiple of \(heads) heads")
    require((0..<1).contains(dropout), "MultiHeadAttention: dropout must be in 0 ..< 1, got \(dropout)")
    let (keyHeads, keyWidth, valueWidth) = (keyValueHeads ?? heads, keyDimension ?? width, valueDimension ?? width)
    require(
      keyHeads > 0 && heads % keyHeads == 0 && keyWidth > 0 && valueWidth > 0,
      "MultiHeadAttention: \(heads) heads must be a multiple of \(keyHeads) heads of keys and values, of positive "
        + "widths, got \(keyWidth) and \(valueWidth)")
    let rows = width / heads * keyHeads
    func makeWeight(_ rows: Int, _ columns: Int, _ name: String) -> Parameter {
      Parameter(Initializer.xavier(.uniform)([rows, columns], generator: generator), name: name)
    }
    let isPacked = keyWidth == width && valueWidth == width
    inputWeight = makeWeight(isPacked ? width + 2 * rows : width, width, "inputWeight")
    keyWeight = isPacked ? nil : makeWeight(rows, keyWidth, "keyWeight")
    valueWeight = isPacked ? nil : makeWeight(rows, valueWidth, "valueWeight")
    inputBias = bias ? Parameter(Tensor.zeros([width + 2 * rows]), name: "inputBias") : nil
    output = Linear(width, width, bias: bias, biasInitializer: .constant(0), generator: generator)
    self.heads = heads
    self.batchFirst = batchFirst
    self.dropout = dropout
    self.generator = generator
  }

  /// The present values.
  public var weights: AttentionWeights {
    let bias = (input: inputBias?.value, output: output.bias?.value)
    guard let keyWeight, let valueWeight else {
      return AttentionWeights(
        input: inputWeight.value, inputBias: bias.input, output: output.weight.value, outputBias: bias.output)
    }
    return AttentionWeights(
      query: inputWeight.value, key: keyWeight.value, value: valueWeight.value, inputBias: bias.input,
      output: output.weight.value, outputBias: bias.output)
  }

  /// Self-attention without a mask.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, x) }

  /// Attention of `query` to `memory`, or of a tensor to itself.
  ///
  /// - Parameters:
  ///   - query: `[N, T, width]`, or `[T, N, width]`.
  ///   - memory: what keys and values are made from, `[N, S, keyDimension]` or `[S, N, keyDimension]`.
  ///   - values: what values are made from instead; as long as `memory`, of `valueDimension` numbers.
  ///   - options: masks.
  /// - Returns: of `query`'s shape.
  public func callAsFunction(
    _ query: Tensor, _ memory: Tensor, values: Tensor? = nil, options: AttentionOptions? = nil
  ) -> Tensor {
    multiHeadAttention(query, memory, values ?? memory, heads: heads, weights, options: own(options))
  }

  /// The same with the attention probabilities, averaged over the heads: `[N, T, S]`.
  public func withWeights(
    _ query: Tensor, _ memory: Tensor, values: Tensor? = nil, options: AttentionOptions? = nil
  ) -> (outputs: Tensor, weights: Tensor) {
    multiHeadAttentionWithWeights(query, memory, values ?? memory, heads: heads, weights, options: own(options))
  }

  /// Causal self-attention of the next positions, with keys and values of those before them from a cache.
  public func callAsFunction(_ x: Tensor, cache: inout KeyValueCache, options: AttentionOptions? = nil) -> Tensor {
    multiHeadAttention(x, cache: &cache, heads: heads, weights, options: own(options))
  }

  private func own(_ options: AttentionOptions?) -> AttentionOptions {
    var result = options ?? AttentionOptions()
    result.batchFirst = batchFirst
    result.dropout = dropout
    result.generator = generator
    return result
  }
}
