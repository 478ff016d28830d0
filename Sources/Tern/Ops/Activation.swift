// SPDX-License-Identifier: MIT
import TernRuntime

/// The rectifier `max(x, 0)`; gradient 0 at 0.
public func relu(_ x: Tensor) -> Tensor {
  x.mapped("relu", .relu, saving: .output) { Activation.relu.pulledBack($0, output: $1.output) }
}

/// `x` above 0, `negativeSlope * x` below (Maas, Hannun, Ng: "Rectifier nonlinearities improve neural network acoustic
/// models", 2013).
public func leakyReLU(_ x: Tensor, negativeSlope: Float = 0.01) -> Tensor {
  `where`(x.detached() .> 0, x, x * negativeSlope)
}

/// `x` above 0, `alpha * (exp(x) - 1)` below (Clevert, Unterthiner, Hochreiter: "Fast and accurate deep network
/// learning by exponential linear units", 2016).
public func elu(_ x: Tensor, alpha: Float = 1) -> Tensor {
  // The exponential sees no positive values, whose overflow would turn the gradient into NaN.
  // `clamp` passes the gradient at 0, which `minimum` would halve between its equal arguments.
  `where`(x.detached() .> 0, x, expMinusOne(clamp(x, max: 0)) * alpha)
}

/// How `gelu` computes the normal distribution function.
public enum GELUApproximation: Sendable {
  /// By the error function.
  case none
  /// `0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`.
  case tanh
}

/// `x * P(X <= x)` for a standard normal X (Hendrycks, Gimpel: "Gaussian error linear units", 2016).
public func gelu(_ x: Tensor, approximation: GELUApproximation = .none) -> Tensor {
  switch approximation {
  case .none: return x * 0.5 * (erf(x * 0.707_106_77) + 1)
  case .tanh: return x * 0.5 * (tanh((x + 0.044715 * (x * square(x))) * 0.797_884_56) + 1)
  }
}

/// `x * sigmoid(x)`, also called swish (Ramachandran, Zoph, Le, 2017).
public func silu(_ x: Tensor) -> Tensor { x * sigmoid(x) }

/// `log(1 + exp(beta * x)) / beta`, a smooth rectifier, without overflow.
///
/// - Precondition: `beta > 0`.
public func softplus(_ x: Tensor, beta: Float = 1) -> Tensor {
  require(beta > 0, "softplus: beta must be positive, got \(beta)")
  let scaled = beta == 1 ? x : x * beta
  // max(z, 0) + log(1 + exp(-|z|)); the derivative is stated, since that of the parts is undefined at 0.
  let z = scaled.detached()
  let y = relu(z) + logOnePlus(exp(-abs(z)))
  let result = y.recorded("softplus", from: [scaled], saving: .inputs) { [$0 * sigmoid($1[0])] }
  return beta == 1 ? result : result / beta
}

/// `log(sigmoid(x))`, without overflow.
public func logSigmoid(_ x: Tensor) -> Tensor { -softplus(-x) }

/// A scaled exponential linear unit, whose outputs tend to mean 0 and variance 1 (Klambauer, Unterthiner, Mayr,
/// Hochreiter: "Self-normalizing neural networks", 2017).
///
///     y = 1.0507 * (x above 0, 1.67326 * (exp(x) - 1) below)
public func selu(_ x: Tensor) -> Tensor { elu(x, alpha: 1.673_263_242_354_377_2) * 1.050_700_987_355_480_5 }

/// `x` above 0, `alpha * (exp(x / alpha) - 1)` below, with slope 1 at 0 whatever `alpha` (Barron: "Continuously
/// differentiable exponential linear units", 2017).
///
/// - Precondition: `alpha` is not 0.
public func celu(_ x: Tensor, alpha: Float = 1) -> Tensor {
  require(alpha != 0, "celu: alpha must not be 0")
  return `where`(x.detached() .> 0, x, expMinusOne(clamp(x, max: 0) / alpha) * alpha)
}

/// `x * tanh(softplus(x))` (Misra: "Mish: A self regularized non-monotonic activation function", 2020).
public func mish(_ x: Tensor) -> Tensor { x * tanh(softplus(x)) }

/// `x / (1 + |x|)`.
public func softsign(_ x: Tensor) -> Tensor { x / (abs(x) + 1) }

/// Gated linear units: the first half of an axis times the sigmoid of the second (Dauphin, Fan, Auli, Grangier:
/// "Language modeling with gated convolutional networks", 2017).
///
/// - Parameter axis: the axis that is halved; negative counts from the end.
/// - Precondition: its extent is even.
public func glu(_ x: Tensor, axis: Int = -1) -> Tensor {
  let axis = x.resolvedAxis("glu", axis)
  require(x.shape[axis] % 2 == 0, "glu: axis \(axis) of shape \(x.shape) cannot be halved")
  let half = x.shape[axis] / 2
  return x.sliced(along: axis, to: half) * sigmoid(x.sliced(along: axis, from: half))
}
