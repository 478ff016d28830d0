// SPDX-License-Identifier: MIT
import Tern

// Activations as layers, for `Sequential`; each calls the function of the same name.

/// `max(x, 0)`.
public struct ReLU: Layer {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// `x` above 0, `negativeSlope * x` below.
public struct LeakyReLU: Layer {
  public let negativeSlope: Float
  public init(negativeSlope: Float = 0.01) { self.negativeSlope = negativeSlope }
  public func callAsFunction(_ x: Tensor) -> Tensor { leakyReLU(x, negativeSlope: negativeSlope) }
}

/// `1 / (1 + exp(-x))`.
public struct Sigmoid: Layer {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

public struct Tanh: Layer {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { tanh(x) }
}

/// `x` above 0, `alpha * (exp(x) - 1)` below.
public struct ELU: Layer {
  public let alpha: Float
  public init(alpha: Float = 1) { self.alpha = alpha }
  public func callAsFunction(_ x: Tensor) -> Tensor { elu(x, alpha: alpha) }
}

/// `x` times the normal distribution function of `x`.
public struct GELU: Layer {
  public let approximation: GELUApproximation
  public init(approximation: GELUApproximation = .none) { self.approximation = approximation }
  public func callAsFunction(_ x: Tensor) -> Tensor { gelu(x, approximation: approximation) }
}

/// `x * sigmoid(x)`.
public struct SiLU: Layer {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}

/// `log(1 + exp(beta * x)) / beta`.
public struct Softplus: Layer {
  public let beta: Float
  public init(beta: Float = 1) { self.beta = beta }
  public func callAsFunction(_ x: Tensor) -> Tensor { softplus(x, beta: beta) }
}

/// Exponentials normalized to sum 1 along an axis. Losses take logits: leave it out before `crossEntropy`.
public struct Softmax: Layer {
  public let axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func callAsFunction(_ x: Tensor) -> Tensor { softmax(x, axis: axis) }
}
