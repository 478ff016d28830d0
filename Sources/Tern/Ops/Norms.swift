// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// The norm of order p over some axes, all when none are given.
  ///
  ///     (sum of |x|^p)^(1/p),   the largest |x| for p = infinity
  ///
  /// The gradient at 0 is 0, as that of a point where the norm has none.
  ///
  /// - Parameters:
  ///   - order: at least 1; 2 is the Euclidean norm.
  ///   - axes: negative ones count from the end.
  ///   - keepingDimensions: leaves reduced axes in the shape, with extent 1.
  /// - Precondition: the dtype is floating point.
  public func norm(order: Float = 2, along axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    requireFloatingPoint("norm", self)
    require(order >= 1, "norm: the order must be at least 1, got \(order)")
    if order == .infinity { return abs(self).max(along: axes, keepingDimensions: keepingDimensions) }
    if order == 1 { return abs(self).sum(along: axes, keepingDimensions: keepingDimensions) }
    let all = ReductionGeometry("norm", shape, axes: axes.flatMap { $0.isEmpty ? nil : $0 } ?? Array(shape.indices))
    // In Float32: a sum of powers leaves the range of half types long before its root does.
    let x = detached()
    let y =
      (order == 2
      ? sqrt(x.sumOfSquares(along: all.axes, keepingDimensions: true, as: .float32))
      : pow(pow(abs(x.cast(to: .float32)), order).sum(along: all.axes, keepingDimensions: true), 1 / order))
      .cast(to: dtype)
    let result = y.recorded("norm", from: [self], saving: .tensorsAndOutput([self])) { gradient, saved in
      let (x, y) = (saved[0], saved.output)
      // With 1 in the place of norms that are 0 all x beneath are 0, and so is the quotient.
      let quotient = x / `where`(y.detached() .== 0, 1, y)
      if order == 2 { return [gradient * quotient] }
      return [gradient * sign(x) * pow(abs(quotient), order - 1)]
    }
    return keepingDimensions ? result : result.reshaped(to: all.outputShape)
  }

  /// The norm of order p over the axes listed: `x.norm(order: 1, along: -1)`.
  public func norm(order: Float = 2, along axes: Int..., keepingDimensions: Bool = false) -> Tensor {
    norm(order: order, along: axes, keepingDimensions: keepingDimensions)
  }

  /// The root of the variance over some axes, all when none are given; with `unbiased` that of the variance divided by
  /// n - 1. The gradient of elements that are all equal is 0.
  ///
  /// - Precondition: the dtype is floating point.
  public func standardDeviation(
    along axes: [Int]? = nil, keepingDimensions: Bool = false, unbiased: Bool = false
  ) -> Tensor {
    let all = ReductionGeometry(
      "standardDeviation", shape, axes: axes.flatMap { $0.isEmpty ? nil : $0 } ?? Array(shape.indices))
    let count = Float(unbiased ? all.reducedCount - 1 : all.reducedCount)
    let norm = centered(along: all.axes).norm(along: all.axes, keepingDimensions: keepingDimensions)
    return (norm / count.squareRoot()).cast(to: dtype)
  }

  /// The standard deviation over the axes listed: `x.standardDeviation(along: 0, unbiased: true)`.
  public func standardDeviation(
    along axes: Int..., keepingDimensions: Bool = false, unbiased: Bool = false
  ) -> Tensor {
    standardDeviation(along: axes, keepingDimensions: keepingDimensions, unbiased: unbiased)
  }
}

/// The distance of vectors along the last axis: the norm of `a - b + epsilon`.
///
/// - Parameters:
///   - a: `[..., n]`.
///   - b: `[..., n]`; shapes broadcast.
///   - order: that of the norm, at least 1.
///   - epsilon: added to every difference, so that equal vectors have a gradient.
///   - keepingDimensions: leaves the last axis in the shape, with extent 1.
public func pairwiseDistance(
  _ a: Tensor, _ b: Tensor, order: Float = 2, epsilon: Float = 1e-6, keepingDimensions: Bool = false
) -> Tensor {
  (a - b + epsilon).norm(order: order, along: -1, keepingDimensions: keepingDimensions)
}

/// The cosine of the angle between vectors along one axis.
///
///     sum(a * b) / (max(|a|, epsilon) * max(|b|, epsilon))
///
/// - Parameters:
///   - a: floating point; shapes broadcast.
///   - b: of `a`'s dtype.
///   - axis: the vectors' axis, of the shape that both broadcast to; negative counts from the end.
///   - epsilon: keeps short vectors from dividing by 0.
public func cosineSimilarity(_ a: Tensor, _ b: Tensor, axis: Int = 1, epsilon: Float = 1e-8) -> Tensor {
  let shape = broadcastShape("cosineSimilarity", a.shape, b.shape)
  let dtype = Tensor.commonDType("cosineSimilarity", [a, b])
  let (x, y) = (a.broadcast(to: shape).cast(to: .float32), b.broadcast(to: shape).cast(to: .float32))
  // Each length by itself: the product of both squares leaves the range of Float32 where neither does.
  func scale(_ x: Tensor) -> Tensor { rsqrt(clamp(x.sumOfSquares(along: axis), min: epsilon * epsilon)) }
  return ((x * y).sum(along: axis) * scale(x) * scale(y)).cast(to: dtype)
}

extension Tensor {
  fileprivate func sumOfSquares(along axis: Int) -> Tensor { sumOfSquares(along: [axis]) }
}

/// A product of two vectors and a matrix for each output (Tenenbaum, Freeman: "Separating style and content with
/// bilinear models", 2000).
///
///     y[..., o] = sum over i, j of a[..., i] * weight[o, i, j] * b[..., j] + bias[o]
///
/// - Parameters:
///   - a: `[..., I]`.
///   - b: `[..., J]`, the same leading axes.
///   - weight: `[O, I, J]`.
///   - bias: `[O]`.
/// - Returns: `[..., O]`.
public func bilinear(_ a: Tensor, _ b: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
  require(weight.rank == 3, "bilinear: weight must be [outputs, I, J], got \(weight.shape)")
  let (outputs, i, j) = (weight.shape[0], weight.shape[1], weight.shape[2])
  require(
    a.rank >= 1 && a.shape.last == i && b.shape == a.shape.dropLast() + [j],
    "bilinear: inputs \(a.shape) and \(b.shape) do not fit weight \(weight.shape)")
  let rows = elementCount(Array(a.shape.dropLast()))
  let partial = matmul(a.reshaped(to: [rows, i]), weight.transposed([1, 0, 2]).reshaped(to: [i, outputs * j]))
  let product = matmul(partial.reshaped(to: [rows, outputs, j]), b.reshaped(to: [rows, j, 1]))
    .reshaped(to: a.shape.dropLast() + [outputs])
  guard let bias else { return product }
  require(bias.shape == [outputs], "bilinear: bias must be [\(outputs)] for weight \(weight.shape), got \(bias.shape)")
  return product + bias
}
