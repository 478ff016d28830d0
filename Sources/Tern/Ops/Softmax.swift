// SPDX-License-Identifier: MIT
import TernRuntime

/// Normalizes exponentials along one axis, so that the result sums to 1 there.
///
///     y = exp(x - max(x)) / sum(exp(x - max(x)))
///
/// - Parameters:
///   - x: logits, any shape, floating point.
///   - axis: axis to normalize; negative counts from the end.
/// - Returns: same shape and dtype as `x`; accumulated in Float32.
/// - Precondition: `axis` is in `-x.rank ..< x.rank`.
public func softmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  normalized("softmax", x, axis, logarithm: false) { y, gradient, axis in
    y * (gradient - (gradient * y).sum(along: axis, keepingDimensions: true))
  }
}

/// The logarithm of `softmax`, without its loss of precision: `x - logSumExp(x)` along one axis.
public func logSoftmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  normalized("logSoftmax", x, axis, logarithm: true) { y, gradient, axis in
    gradient - exp(y) * gradient.sum(along: axis, keepingDimensions: true)
  }
}

/// - Parameter derivative: the gradient from differentiable operations, for second derivatives.
private func normalized(
  _ operation: String, _ x: Tensor, _ axis: Int, logarithm: Bool,
  derivative: @escaping @Sendable (_ y: Tensor, _ gradient: Tensor, _ axis: Int) -> Tensor
) -> Tensor {
  requireFloatingPoint(operation, x)
  let plan = ReductionGeometry(operation, x.shape, axis: axis)
  return .record(
    operation, shape: x.shape, dtype: x.dtype, from: [x], saving: .output,
    compute: { backend, inputs, y in backend.softmax(plan, logarithm: logarithm, inputs[0], into: y) },
    pullback: { gradient, saved in
      if saved.createsGraph { return [derivative(saved.output, gradient, plan.axes[0])] }
      return [
        .record(
          operation + " gradient", shape: plan.inputShape, dtype: gradient.dtype, from: [saved.output, gradient],
          saving: .none,
          compute: { backend, inputs, dx in
            backend.softmaxGradient(plan, logarithm: logarithm, y: inputs[0], gradient: inputs[1], into: dx)
          }, pullback: { _, _ in [nil, nil] })
      ]
    })
}
