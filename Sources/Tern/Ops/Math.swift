// SPDX-License-Identifier: MIT
import TernRuntime

/// e to the power of each element.
public func exp(_ x: Tensor) -> Tensor { x.mapped("exp", .exp, saving: .output) { $0 * $1.output } }
/// `exp(x) - 1`, accurate near 0.
public func expMinusOne(_ x: Tensor) -> Tensor {
  x.mapped("expMinusOne", .expMinusOne, saving: .output) { $0 * ($1.output + 1) }
}
/// Natural logarithm; -infinity at 0, NaN below.
public func log(_ x: Tensor) -> Tensor { x.mapped("log", .log, saving: .inputs) { $0 / $1[0] } }
/// `log(1 + x)`, accurate near 0.
public func logOnePlus(_ x: Tensor) -> Tensor {
  x.mapped("logOnePlus", .logOnePlus, saving: .inputs) { $0 / ($1[0] + 1) }
}
/// Square root; NaN below 0.
public func sqrt(_ x: Tensor) -> Tensor { x.mapped("sqrt", .squareRoot, saving: .output) { $0 * 0.5 / $1.output } }
/// `1 / sqrt(x)`.
public func rsqrt(_ x: Tensor) -> Tensor {
  x.mapped("rsqrt", .reciprocalSquareRoot, saving: .output) { $0 * -0.5 * ($1.output * square($1.output)) }
}
/// `1 / x`.
public func reciprocal(_ x: Tensor) -> Tensor {
  x.mapped("reciprocal", .reciprocal, saving: .output) { -($0 * square($1.output)) }
}
/// `x * x`.
public func square(_ x: Tensor) -> Tensor { x.mapped("square", .square, saving: .inputs) { $0 * 2 * $1[0] } }
/// The absolute value; gradient 0 at 0.
public func abs(_ x: Tensor) -> Tensor {
  if !x.dtype.isFloatingPoint {
    require(x.dtype != .bool, "abs: bool tensors have no arithmetic; convert with x.cast(to:)")
    return .pendingWrapped(.integerAbs, [.tensor(x)], shape: x.shape, dtype: x.dtype, device: x.device)
  }
  return x.mapped("abs", .abs, saving: .inputs) { $0 * sign($1[0]) }
}
/// -1, 0 or 1; NaN stays. Its derivative is 0.
public func sign(_ x: Tensor) -> Tensor { x.detached().mapped("sign", .sign) }
/// Sine of an angle in radians.
public func sin(_ x: Tensor) -> Tensor { x.mapped("sin", .sin, saving: .inputs) { $0 * cos($1[0]) } }
/// Cosine of an angle in radians.
public func cos(_ x: Tensor) -> Tensor { x.mapped("cos", .cos, saving: .inputs) { -($0 * sin($1[0])) } }
/// Hyperbolic tangent.
public func tanh(_ x: Tensor) -> Tensor {
  x.mapped("tanh", .tanh, saving: .output) { Activation.tanh.pulledBack($0, output: $1.output) }
}
/// The logistic function `1 / (1 + exp(-x))`.
public func sigmoid(_ x: Tensor) -> Tensor {
  x.mapped("sigmoid", .sigmoid, saving: .output) { Activation.sigmoid.pulledBack($0, output: $1.output) }
}
/// The error function `2 / sqrt(pi) * integral of exp(-t * t) from 0 to x`.
public func erf(_ x: Tensor) -> Tensor {
  x.mapped("erf", .erf, saving: .inputs) { $0 * 1.128_379_2 * exp(-square($1[0])) }
}
/// Rounds towards minus infinity. Its derivative is 0, as that of `ceil` and `round`.
public func floor(_ x: Tensor) -> Tensor { x.detached().mapped("floor", .floor) }
/// Rounds towards plus infinity.
public func ceil(_ x: Tensor) -> Tensor { x.detached().mapped("ceil", .ceil) }
/// Rounds to the nearest integer, ties to even.
public func round(_ x: Tensor) -> Tensor { x.detached().mapped("round", .round) }

/// `x` to a constant power. Common exponents use exact operations.
public func pow(_ x: Tensor, _ exponent: Float) -> Tensor {
  switch exponent {
  case 1: return x
  case 2: return square(x)
  case 0.5: return sqrt(x)
  case -1: return reciprocal(x)
  default:
    requireFloatingPoint("pow", x)
    return Tensor.pending(
      .power, [.tensor(x), .number(.real(exponent))], shape: x.shape, dtype: x.dtype, device: x.device
    ).recorded("pow", from: [x], saving: .inputs) {
      // Power 0 is 1 everywhere; the formula would say 0 times infinity at 0.
      [exponent == 0 ? $0 * 0 : $0 * exponent * pow($1[0], exponent - 1)]
    }
  }
}

/// `x` to the power `y`, elementwise; shapes broadcast. The exponent's gradient needs `x > 0`; it is 0 where `x` is 0.
public func pow(_ x: Tensor, _ y: Tensor) -> Tensor {
  let dtype = Tensor.commonDType("pow", [x, y])
  require(dtype.isFloatingPoint, "pow: needs floating-point tensors, got \(dtype)")
  return Tensor.pending(
    .power, [.tensor(x), .tensor(y)], shape: broadcastShape("pow", x.shape, y.shape), dtype: dtype,
    device: Tensor.commonDevice("pow", [x, y])
  ).recorded("pow", from: [x, y], saving: .inputs) { [sx = x.shape, sy = y.shape] gradient, saved in
    let (x, y) = (saved[0], saved[1])
    // Power 0 is 1 everywhere, and a power of 0 that is not negative 0 or 1; the formulas would say 0 times infinity.
    let (base, power) = (x.detached(), y.detached())
    let isOne = (power .== 0) .& ((base .== 0) .| .!base.isFinite())
    let isFlat = (base .== 0) .& (power .>= 0)
    return [
      saved.needs(0) ? `where`(isOne, 0, gradient * y * pow(`where`(isOne, 1, x), y - 1)).summed(to: sx) : nil,
      saved.needs(1) ? `where`(isFlat, 0, gradient * pow(x, y) * log(`where`(isFlat, 1, x))).summed(to: sy) : nil,
    ]
  }
}
