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
  /// Makes queries, keys and values: `[3 * width, width]`.
  public let inputWeight: Parameter
  /// `[3 * width]`, zeros at first; nil without biases.
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
  /// - Precondition: `heads` divides `width`, and `dropout` is in `0 ..< 1`.
  public init(
    _ width: Int, heads: Int, bias: Bool = true, batchFirst: Bool = true, dropout: Float = 0,
    generator: RandomGenerator = .shared
  ) {
    require(
      heads > 0 && width > 0 && width % heads == 0,
      "MultiHeadAttention: the width \(width) must be a positive multiple of \(heads) heads")
    require((0..<1).contains(dropout), "MultiHeadAttention: dropout must be in 0 ..< 1, got \(dropout)")
    let initializer = Initializer.xavier(.uniform)
    inputWeight = Parameter(initializer([3 * width, width], generator: generator), name: "inputWeight")
    inputBias = bias ? Parameter(Tensor.zeros([3 * width]), name: "inputBias") : nil
    output = Linear(width, width, bias: bias, biasInitializer: .constant(0), generator: generator)
    self.heads = heads
    self.batchFirst = batchFirst
    self.dropout = dropout
    self.generator = generator
  }

  /// The present values.
  public var weights: AttentionWeights {
    AttentionWeights(
      input: inputWeight.value, inputBias: inputBias?.value, output: output.weight.value,
      outputBias: output.bias?.value)
  }

  /// Self-attention without a mask.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, x) }

  /// Attention of `query` to `memory`, or of a tensor to itself.
  ///
  /// - Parameters:
  ///   - query: `[N, T, width]`, or `[T, N, width]`.
  ///   - memory: what keys and values are made from, `[N, S, width]` or `[S, N, width]`.
  ///   - values: what values are made from instead; of `memory`'s shape.
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
