// SPDX-License-Identifier: MIT

/// What a product or a convolution may apply to its elements before it stores them.
///
/// Each has the steps of the tensor function of its name (`tern_activation.h`), so results are the same bits as without
/// the fusion; half types are rounded once instead of twice.
public enum Activation: Int32, Sendable, Hashable, CaseIterable {
  /// `x` itself.
  case none
  /// `max(x, 0)`.
  case relu
  /// The hyperbolic tangent.
  case tanh
  /// `1 / (1 + exp(-x))`.
  case sigmoid
  /// `x * P(X <= x)` for a standard normal X, by the error function.
  case gelu
  /// The same by an approximation with `tanh`.
  case geluTanh
  /// `x * sigmoid(x)`.
  case silu

  /// Whether the derivative follows from the output alone, so that nothing but the output needs to be kept.
  public var derivativeFollowsFromOutput: Bool {
    switch self {
    case .none, .relu, .tanh, .sigmoid: true
    case .gelu, .geluTanh, .silu: false
    }
  }
}

/// What happens to the elements of a result between their sums and their store: `activation(sum + bias)`.
package struct Epilogue: Sendable {
  package var bias: StridedView?
  package var activation: Activation

  package init(bias: StridedView? = nil, activation: Activation = .none) {
    self.bias = bias
    self.activation = activation
  }
}
