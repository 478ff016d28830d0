// SPDX-License-Identifier: MIT
import Tern

// Activations as layers, for `Sequential`; each calls the function of the same name.

/// `max(x, 0)`; the gradient at 0 is 0.
public struct ReLU: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// `x` above 0, `negativeSlope * x` below.
public struct LeakyReLU: Layer {
  /// What values below 0 are multiplied by.
  public let negativeSlope: Float
  /// A rectifier that leaks: below 0 the slope is `negativeSlope`, 0.01 as published.
  public init(negativeSlope: Float = 0.01) { self.negativeSlope = negativeSlope }
  public func callAsFunction(_ x: Tensor) -> Tensor { leakyReLU(x, negativeSlope: negativeSlope) }
}

/// `1 / (1 + exp(-x))`. Binary losses take logits: leave it out before `binaryCrossEntropy`.
public struct Sigmoid: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// The hyperbolic tangent, `(exp(x) - exp(-x)) / (exp(x) + exp(-x))`.
public struct Tanh: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { tanh(x) }
}

/// `x` above 0, `alpha * (exp(x) - 1)` below; see `elu`.
public struct ELU: Layer {
  /// The limit far below 0 is `-alpha`.
  public let alpha: Float
  /// An exponential linear unit; 1 makes the slope at 0 continuous.
  public init(alpha: Float = 1) { self.alpha = alpha }
  public func callAsFunction(_ x: Tensor) -> Tensor { elu(x, alpha: alpha) }
}

/// `x` times the normal distribution function of `x`; see `gelu`.
public struct GELU: Layer {
  /// How the distribution function is computed.
  public let approximation: GELUApproximation
  /// By the error function unless asked for the approximation by `tanh`, which older models were trained with.
  public init(approximation: GELUApproximation = .none) { self.approximation = approximation }
  public func callAsFunction(_ x: Tensor) -> Tensor { gelu(x, approximation: approximation) }
}

/// `x * sigmoid(x)`.
public struct SiLU: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}

/// `log(1 + exp(beta * x)) / beta`.
public struct Softplus: Layer {
  /// The sharpness: the larger, the closer to ReLU.
  public let beta: Float
  /// A smooth rectifier. A `beta` that is not positive traps when the layer is called.
  public init(beta: Float = 1) { self.beta = beta }
  public func callAsFunction(_ x: Tensor) -> Tensor { softplus(x, beta: beta) }
}

/// Exponentials normalized to sum 1 along an axis. Losses take logits: leave it out before `crossEntropy`.
public struct Softmax: Layer {
  /// The axis whose numbers sum to 1; negative counts from the end.
  public let axis: Int
  /// Normalization along one axis, the last by default. An axis that the input lacks traps when the layer is called.
  public init(axis: Int = -1) { self.axis = axis }
  public func callAsFunction(_ x: Tensor) -> Tensor { softmax(x, axis: axis) }
}

/// The logarithms of `Softmax`, without its loss of precision: what `negativeLogLikelihood` and `ctcLoss` take.
public struct LogSoftmax: Layer {
  /// The axis whose probabilities sum to 1; negative counts from the end.
  public let axis: Int
  /// Normalization along one axis, the last by default. An axis that the input lacks traps when the layer is called.
  public init(axis: Int = -1) { self.axis = axis }
  public func callAsFunction(_ x: Tensor) -> Tensor { logSoftmax(x, axis: axis) }
}

/// `log(sigmoid(x))`.
public struct LogSigmoid: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { logSigmoid(x) }
}

/// A scaled exponential linear unit; see `selu`.
public struct SELU: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { selu(x) }
}

/// `x` above 0, `alpha * (exp(x / alpha) - 1)` below; see `celu`.
public struct CELU: Layer {
  /// The limit far below 0 is `-alpha`.
  public let alpha: Float
  /// An exponential linear unit with slope 1 at 0. An `alpha` of 0 traps when the layer is called.
  public init(alpha: Float = 1) { self.alpha = alpha }
  public func callAsFunction(_ x: Tensor) -> Tensor { celu(x, alpha: alpha) }
}

/// `x * tanh(softplus(x))`.
public struct Mish: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { mish(x) }
}

/// `x / (1 + |x|)`.
public struct Softsign: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { softsign(x) }
}

/// The first half of an axis times the sigmoid of the second; see `glu`.
public struct GLU: Layer {
  /// The axis that is halved; negative counts from the end.
  public let axis: Int
  /// Gated linear units. An axis that the input lacks, or that is odd, traps when the layer is called.
  public init(axis: Int = -1) { self.axis = axis }
  public func callAsFunction(_ x: Tensor) -> Tensor { glu(x, axis: axis) }
}
