// SPDX-License-Identifier: MIT
import TernRuntime

/// Scaled dot-product attention (Vaswani et al.: "Attention is all you need", 2017).
///
///     y = softmax(query · keyᵀ * scale + mask) · value
///
/// Scaling, masking and softmax are one pass over the scores; heads of any strides are read in place.
///
/// - Parameters:
///   - query: `[..., T, d]`, floating point.
///   - key: `[..., S, d]`; leading axes broadcast to those of `query`.
///   - value: `[..., S, e]`, likewise.
///   - mask: broadcasts to `[..., T, S]`; `bool`, true where a query may attend, or floating point, added to the scaled
///     scores. No gradient flows to it.
///   - causal: query `i` attends to the keys `0 ... i` only, besides the mask.
///   - scale: `1 / sqrt(d)` when nil.
///   - dropout: the chance of a probability to become 0, in training mode; the others are scaled by
///     `1 / (1 - dropout)`.
///   - generator: where the dropout's mask comes from.
/// - Returns: `[..., T, e]`, computed in Float32; 0 for a query that may attend to nothing. Differentiable twice.
/// - Precondition: at least two axes; extents agree.
public func scaledDotProductAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor? = nil, causal: Bool = false, scale: Float? = nil,
  dropout: Float = 0, generator: RandomGenerator = .shared
) -> Tensor {
  let name = "scaledDotProductAttention"
  require(
    query.rank >= 2 && key.rank >= 2 && value.rank >= 2 && query.shape.last == key.shape.last
      && key.shape[key.rank - 2] == value.shape[value.rank - 2],
    "\(name): needs query [..., T, d], key [..., S, d] and value [..., S, e], got \(query.shape), \(key.shape) and "
      + "\(value.shape)")
  checkAttentionDropout(name, dropout)
  let leading = Array(query.shape.dropLast(2))
  /// Four axes, batch and heads first; the strides of two leading axes stay what they are.
  func heads(_ x: Tensor) -> Tensor {
    let wide = x.cast(to: .float32).broadcast(to: leading + x.shape.suffix(2))
    switch leading.count {
    case 0: return wide.expanded(at: 0).expanded(at: 0)
    case 1: return wide.expanded(at: 0)
    case 2: return wide
    default: return wide.reshaped(to: [elementCount(Array(leading.dropLast())), leading.last!] + x.shape.suffix(2))
    }
  }
  _ = Tensor.commonDType(name, [query, key, value])
  let sources = [heads(query), heads(key), heads(value)]
  let q = sources[0].shape
  let plan = Attention(
    batch: q[0], heads: q[1], queries: q[2], keys: sources[1].shape[2],
    scale: scale ?? 1 / Float(max(1, q[3])).squareRoot(), causalOffset: causal ? 0 : nil)
  let operation = AttentionOperation(
    plan: plan, query: AttentionOperand(source: 0, layout: .heads), key: AttentionOperand(source: 1, layout: .heads),
    value: AttentionOperand(source: 2, layout: .heads), output: .heads,
    dropout: AttentionOperation.Dropped(dropout, generator))
  let full = leading + [plan.queries, plan.keys]
  let y = operation(sources, mask: mask.map { attentionMask(name, $0, broadcastTo: full).reshaped(to: plan.shape) })
  return y.reshaped(to: leading + [plan.queries, value.shape[value.rank - 1]]).cast(to: query.dtype)
}

/// A mask for the backends: `bool` or Float32, of the scores' shape.
func attentionMask(_ operation: String, _ mask: Tensor, broadcastTo shape: [Int]) -> Tensor {
  require(
    mask.dtype == .bool || mask.dtype.isFloatingPoint,
    "\(operation): a mask must be bool or floating point, got \(mask.dtype)")
  let typed = mask.dtype == .bool ? mask : mask.cast(to: .float32)
  return typed.detached().broadcast(to: shape)
}

func checkAttentionDropout(_ operation: String, _ probability: Float) {
  require((0..<1).contains(probability), "\(operation): dropout must be in 0 ..< 1, got \(probability)")
}
