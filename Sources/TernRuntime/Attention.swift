// SPDX-License-Identifier: MIT

/// Attention: a family of operations beside `Backend`, under the same rules. Everything is Float32; arrays of scores
/// are dense `[batch, heads, queries, keys]`.
package protocol AttentionBackend: AnyObject, Sendable {
  /// `c[b, h] = a[b, h] · b[b, h]`: products of matrices that two axes count, of any strides, so that heads may lie
  /// between each other.
  func headProducts(_ a: StridedView, _ b: StridedView, into c: StridedView)
  /// Turns the scores of each query into probabilities, in place: scaled, masked, normalized. Where nothing may be
  /// attended, all are 0.
  ///
  /// - Parameter mask: of the scores' shape, usually with strides of 0; `bool`, true where a query may attend, or
  ///   Float32, added to the scaled scores.
  func attentionSoftmax(_ plan: Attention, _ scores: StridedView, mask: StridedView?)
  /// Turns gradients of probabilities into those of the products, in place: `scale * p * (g - sum(p * g))`.
  func attentionSoftmaxGradient(_ plan: Attention, probabilities: StridedView, _ gradient: StridedView)
}

/// Sizes and settings of scaled dot-product attention.
package struct Attention: Sendable, Hashable {
  package let batch, heads, queries, keys: Int
  package let scale: Float
  /// Query `i` sees the keys up to `i + offset`; all when nil.
  package let causalOffset: Int?

  package init(batch: Int, heads: Int, queries: Int, keys: Int, scale: Float, causalOffset: Int?) {
    (self.batch, self.heads, self.queries, self.keys) = (batch, heads, queries, keys)
    (self.scale, self.causalOffset) = (scale, causalOffset)
  }

  package var shape: [Int] { [batch, heads, queries, keys] }
  package var rows: Int { batch * heads * queries }
}
