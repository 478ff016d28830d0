// SPDX-License-Identifier: MIT
import TernRuntime

/// Queries, keys or values as a part of a tensor, which may hold several of them: `[batch, heads, length, size]`.
struct AttentionOperand: Sendable {
  enum Layout: Sendable {
    /// The tensor is all of it.
    case heads
    /// Some columns of `[batch, length, columns]`, or `[length, batch, columns]`: the heads next to each other.
    case columns(first: Int, heads: Int, size: Int, batchFirst: Bool)
  }

  /// Which of the operation's inputs it is in.
  let source: Int
  let layout: Layout

  func view(_ whole: StridedView) -> StridedView {
    guard case .columns(let first, let heads, let size, let batchFirst) = layout else { return whole }
    let (batch, length) = batchFirst ? (0, 1) : (1, 0)
    let strides = whole.strides
    return whole.viewed(
      shape: [whole.shape[batch], heads, whole.shape[length], size],
      strides: [strides[batch], size * strides[2], strides[length], strides[2]],
      offset: whole.offset + first * strides[2])
  }

  /// The same by differentiable operations.
  func tensor(_ sources: [Tensor]) -> Tensor {
    let whole = sources[source]
    guard case .columns(let first, let heads, let size, let batchFirst) = layout else { return whole }
    let part = whole.sliced(along: 2, from: first, to: first + heads * size)
    let split = part.reshaped(to: [whole.shape[0], whole.shape[1], heads, size])
    return split.transposed(batchFirst ? [0, 2, 1, 3] : [1, 2, 0, 3])
  }
}
