// SPDX-License-Identifier: MIT
import TernRuntime

/// Products of the heads' matrices, where one of the two operands, or the result, may have fewer heads, each of which
/// serves some neighbouring heads of the others.
struct HeadProducts {
  let backend: any Backend

  /// `c[b, h] = a[b, h] · b[b, h / times]`; or, where `c` has fewer heads, the sums of the products that a head of it
  /// stands for.
  func callAsFunction(_ a: StridedView, _ b: StridedView, into c: StridedView) {
    let times = a.shape[1] / min(b.shape[1], c.shape[1])
    if times == 1 { return backend.headProducts(a, b, into: c) }
    if c.shape[1] == a.shape[1] {
      for turn in 0..<times {
        backend.headProducts(a.heads(from: turn, every: times), b, into: c.heads(from: turn, every: times))
      }
      return
    }
    let shape = [c.shape[0], a.shape[1], c.shape[2], c.shape[3]]
    let products = StridedView(backend.allocate(byteCount: 4 * elementCount(shape)), .float32, shape: shape)
    backend.headProducts(a, b, into: products)
    let sums = StridedView(backend.allocate(byteCount: 4 * c.count), .float32, shape: c.shape)
    let grouped = [shape[0], c.shape[1], times, shape[2], shape[3]]
    backend.reduce(
      .sum, ReductionGeometry("attention", grouped, axes: [2]),
      products.viewed(shape: grouped, strides: contiguousStrides(grouped)), into: sums)
    backend.pointwise(.copy(from: .float32, to: .float32), [PointwiseOperands(inputs: [sums], outputs: [c])])
  }
}

extension StridedView {
  fileprivate func heads(from first: Int, every step: Int) -> StridedView {
    viewed(
      shape: [shape[0], shape[1] / step, shape[2], shape[3]],
      strides: [strides[0], strides[1] * step, strides[2], strides[3]], offset: offset + first * strides[1])
  }
}
