// SPDX-License-Identifier: MIT
import TernRuntime

/// Tangent of an angle in radians.
public func tan(_ x: Tensor) -> Tensor { sin(x) / cos(x) }

/// The angle in `-pi/2 ... pi/2` whose tangent is `x`.
public func atan(_ x: Tensor) -> Tensor { x.mapped("atan", .atan, saving: .inputs) { $0 / (square($1[0]) + 1) } }

/// The angle in `-pi/2 ... pi/2` whose sine is `x`; NaN outside of -1 ... 1.
public func asin(_ x: Tensor) -> Tensor {
  let z = x.detached()
  return atan(z / sqrt((1 - z) * (1 + z)))
    .recorded("asin", from: [x], saving: .inputs) { [$0 * rsqrt((1 - $1[0]) * (1 + $1[0]))] }
}

/// The angle in `0 ... pi` whose cosine is `x`; NaN outside of -1 ... 1.
public func acos(_ x: Tensor) -> Tensor {
  let z = x.detached()
  return (atan(sqrt((1 - z) / (1 + z))) * 2)
    .recorded("acos", from: [x], saving: .inputs) { [-$0 * rsqrt((1 - $1[0]) * (1 + $1[0]))] }
}

/// Hyperbolic sine, `(exp(x) - exp(-x)) / 2`, accurate near 0.
public func sinh(_ x: Tensor) -> Tensor {
  let z = x.detached()
  return ((expMinusOne(z) - expMinusOne(-z)) * 0.5)
    .recorded("sinh", from: [x], saving: .inputs) { [$0 * cosh($1[0])] }
}

/// Hyperbolic cosine, `(exp(x) + exp(-x)) / 2`.
public func cosh(_ x: Tensor) -> Tensor {
  let z = x.detached()
  return ((exp(z) + exp(-z)) * 0.5)
    .recorded("cosh", from: [x], saving: .inputs) { [$0 * sinh($1[0])] }
}

/// The number whose hyperbolic sine is `x`, accurate near 0.
public func asinh(_ x: Tensor) -> Tensor {
  let size = abs(x.detached())
  // log(t + sqrt(t^2 + 1)); far out, where the square overflows, log(2 t).
  let near = logOnePlus(size + square(size) / (sqrt(square(size) + 1) + 1))
  let y = `where`(size .< 1e9, near, log(size) + 0.693_147_18)
  return (y * sign(x)).recorded("asinh", from: [x], saving: .inputs) { [$0 * rsqrt(square($1[0]) + 1)] }
}

/// The number, not below 0, whose hyperbolic cosine is `x`; NaN below 1.
public func acosh(_ x: Tensor) -> Tensor {
  let t = x.detached() - 1
  // Two roots: the product under one would be positive again below -1.
  let near = logOnePlus(t + sqrt(t) * sqrt(t + 2))
  return `where`(t .< 1e9, near, log(x.detached()) + 0.693_147_18)
    .recorded("acosh", from: [x], saving: .inputs) { [$0 * rsqrt(($1[0] - 1) * ($1[0] + 1))] }
}

/// The number whose hyperbolic tangent is `x`; infinite at -1 and 1, NaN beyond.
public func atanh(_ x: Tensor) -> Tensor {
  let z = x.detached()
  return ((logOnePlus(z) - logOnePlus(-z)) * 0.5)
    .recorded("atanh", from: [x], saving: .inputs) { [$0 / ((1 - $1[0]) * (1 + $1[0]))] }
}
