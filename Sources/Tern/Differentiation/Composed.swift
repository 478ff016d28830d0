// SPDX-License-Identifier: MIT

extension Saved {
  /// The gradients of the first `count` saved tensors, floating-point inputs in order, by way of differentiable
  /// operations that compute the same: for operations whose own gradient kernels cannot be differentiated again.
  func composedGradients(_ gradient: Tensor, count: Int, _ f: ([Tensor]) -> Tensor) -> [Tensor?] {
    let inputs = Array(attached.prefix(count))
    return valueAndGradients(at: inputs, mode: .current, createGraph: true) { (f($0) * gradient).sum() }.gradients
  }
}
