// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// The sum over some axes. `int32` and `bool` sums are `int64`; half types are accumulated in Float32.
  ///
  ///     let total = losses.sum(as: .float32)          // of a million float16 numbers, rounded to no float16
  ///
  /// - Parameters:
  ///   - axes: negative ones count from the end; all when nil or empty.
  ///   - keepingDimensions: leaves reduced axes in the shape, with extent 1, so that the result broadcasts to `self`.
  ///   - result: the floating-point dtype that the sum is rounded to, `self`'s own when nil. Nothing is copied for it.
  /// - Precondition: every axis is in `-rank ..< rank` and stands once. This holds of all reductions. Only sums of
  ///   floating-point tensors have a `result` to choose.
  public func sum(along axes: [Int]? = nil, keepingDimensions: Bool = false, as result: DType? = nil) -> Tensor {
    reduced("sum", .sum, axes, keepingDimensions, as: result, saving: .none) { gradient, _ in gradient }
  }

  /// The sum over the axes listed, all when none is: `x.sum(along: 0, 2)`.
  public func sum(along axes: Int..., keepingDimensions: Bool = false, as result: DType? = nil) -> Tensor {
    sum(along: axes, keepingDimensions: keepingDimensions, as: result)
  }

  /// The arithmetic mean over some axes; all axes when none are given.
  ///
  /// - Parameter result: the floating-point dtype that the mean is rounded to, `self`'s own when nil.
  /// - Precondition: the dtype is floating point.
  public func mean(along axes: [Int]? = nil, keepingDimensions: Bool = false, as result: DType? = nil) -> Tensor {
    requireFloatingPoint("mean", self)
    let count = Float(geometry("mean", axes).reducedCount)
    return reduced("mean", .mean, axes, keepingDimensions, as: result, saving: .none) { gradient, _ in
      gradient.cast(to: .float32) / count
    }
  }

  /// The mean over the axes listed, all when none is: `x.mean(along: 0, 2)`.
  public func mean(along axes: Int..., keepingDimensions: Bool = false, as result: DType? = nil) -> Tensor {
    mean(along: axes, keepingDimensions: keepingDimensions, as: result)
  }

  /// The product over some axes; all axes when none are given. Its first and second derivatives are right with zeros
  /// among the factors, too.
  ///
  /// Products of `int32` and `bool` are `int64`.
  public func product(along axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    let geometry = geometry("product", axes)
    return reduced("product", .product, axes, keepingDimensions, saving: .inputs) { gradient, saved in
      let x = saved[0]
      let isZero = x.detached() .== 0
      let factors = `where`(isZero, 1, x)
      let others = factors.product(along: geometry.axes, keepingDimensions: true)
      let zeros = isZero.cast(to: x.dtype).sum(along: geometry.axes, keepingDimensions: true).broadcast(to: x.shape)
      // The zeros as functions of x, whose slope the second derivative needs.
      let zero = `where`(isZero, x, 0)
      let zeroSum = zero.sum(along: geometry.axes, keepingDimensions: true)
      let beside = others / factors
      let none = beside.like(0)
      // One zero: its own derivative is left, the others have it as a factor. Two: each has the other as a factor.
      let share =
        `where`(zeros .== 0, beside, none) + `where`(zeros .== 1, beside * `where`(isZero, 1, zeroSum), none)
        + `where`((zeros .== 2) .& isZero, beside * (zeroSum - zero), none)
      return gradient * share
    }
  }

  /// The product over the axes listed, all when none is: `x.product(along: 0, 2)`.
  public func product(along axes: Int..., keepingDimensions: Bool = false) -> Tensor {
    product(along: axes, keepingDimensions: keepingDimensions)
  }

  /// The largest value over some axes; NaN wins. Equal maxima share the gradient.
  ///
  /// - Precondition: the axes are not empty.
  public func max(along axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    extremum("max", .max, axes, keepingDimensions)
  }

  /// The largest value over the axes listed, all when none is: `x.max(along: 0, 2)`.
  public func max(along axes: Int..., keepingDimensions: Bool = false) -> Tensor {
    max(along: axes, keepingDimensions: keepingDimensions)
  }

  /// The smallest value over some axes; NaN wins. Equal minima share the gradient.
  ///
  /// - Precondition: the axes are not empty.
  public func min(along axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    extremum("min", .min, axes, keepingDimensions)
  }

  /// The smallest value over the axes listed, all when none is: `x.min(along: 0, 2)`.
  public func min(along axes: Int..., keepingDimensions: Bool = false) -> Tensor {
    min(along: axes, keepingDimensions: keepingDimensions)
  }

  /// `log(sum(exp(x)))` over some axes, all when none are given, without overflow.
  ///
  /// - Precondition: the dtype is floating point.
  public func logSumExp(along axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    requireFloatingPoint("logSumExp", self)
    let kept = geometry("logSumExp", axes).keptShape
    return reduced("logSumExp", .logSumExp, axes, keepingDimensions, saving: .inputs) { gradient, saved in
      let x = saved[0]
      // The value again, from x, so that it can be differentiated once more.
      let total = x.logSumExp(along: axes, keepingDimensions: true).reshaped(to: kept)
      return gradient * exp(x - total)
    }
  }

  /// `log(sum(exp(x)))` over the axes listed, all when none is: `x.logSumExp(along: -1)`.
  public func logSumExp(along axes: Int..., keepingDimensions: Bool = false) -> Tensor {
    logSumExp(along: axes, keepingDimensions: keepingDimensions)
  }

  /// The mean squared distance from the mean; with `unbiased` divided by n - 1 instead of n (Bessel's correction).
  /// That of a single element is NaN then.
  ///
  /// - Precondition: the dtype is floating point.
  public func variance(along axes: [Int]? = nil, keepingDimensions: Bool = false, unbiased: Bool = false) -> Tensor {
    let geometry = geometry("variance", axes)
    // Differences, sums and their quotient in Float32: of half types only the result is rounded.
    let sum = centered(along: geometry.axes).sumOfSquares(along: geometry.axes, keepingDimensions: keepingDimensions)
    return (sum / Float(unbiased ? geometry.reducedCount - 1 : geometry.reducedCount)).cast(to: dtype)
  }

  /// The distances from the mean over some axes, in Float32.
  func centered(along axes: [Int]) -> Tensor {
    cast(to: .float32) - mean(along: axes, keepingDimensions: true, as: .float32)
  }

  /// The variance over the axes listed, all when none is: `x.variance(along: 0, unbiased: true)`.
  public func variance(along axes: Int..., keepingDimensions: Bool = false, unbiased: Bool = false) -> Tensor {
    variance(along: axes, keepingDimensions: keepingDimensions, unbiased: unbiased)
  }

  /// The sum of squares over some axes.
  ///
  /// - Parameter result: the floating-point dtype that the sum is rounded to, `self`'s own when nil.
  public func sumOfSquares(along axes: [Int]? = nil, keepingDimensions: Bool = false, as result: DType? = nil) -> Tensor
  {
    requireFloatingPoint("sumOfSquares", self)
    return reduced("sumOfSquares", .sumOfSquares, axes, keepingDimensions, as: result, saving: .inputs) {
      gradient, saved in
      gradient.cast(to: .float32) * 2 * saved[0].cast(to: .float32)
    }
  }

  /// Positions of the largest values along one axis, `int64`; the first one wins, NaN counts as largest.
  public func argMax(along axis: Int, keepingDimensions: Bool = false) -> Tensor {
    position("argMax", .max, axis, keepingDimensions)
  }

  /// Positions of the smallest values along one axis, `int64`; the first one wins, NaN counts as smallest.
  public func argMin(along axis: Int, keepingDimensions: Bool = false) -> Tensor {
    position("argMin", .min, axis, keepingDimensions)
  }

  /// Whether all elements along some axes of a bool tensor are true; all axes when none are given. True of no elements.
  ///
  /// - Precondition: the tensor is `bool`.
  public func all(along axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    require(dtype == .bool, "all: needs a bool tensor, got \(dtype)")
    return (.!self).sum(along: axes, keepingDimensions: keepingDimensions) .== 0
  }

  /// Whether all elements along the axes listed are true: `mask.all(along: -1)`.
  public func all(along axes: Int..., keepingDimensions: Bool = false) -> Tensor {
    all(along: axes, keepingDimensions: keepingDimensions)
  }

  /// Whether an element along some axes of a bool tensor is true; all axes when none are given. False of no elements.
  ///
  /// - Precondition: the tensor is `bool`.
  public func any(along axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    require(dtype == .bool, "any: needs a bool tensor, got \(dtype)")
    return sum(along: axes, keepingDimensions: keepingDimensions) .> 0
  }

  /// Whether an element along the axes listed is true: `mask.any(along: -1)`.
  public func any(along axes: Int..., keepingDimensions: Bool = false) -> Tensor {
    any(along: axes, keepingDimensions: keepingDimensions)
  }

  // MARK: Helpers

  private func geometry(_ operation: String, _ axes: [Int]?) -> ReductionGeometry {
    // An empty list from the variadic forms means all axes, too.
    ReductionGeometry(operation, shape, axes: axes.flatMap { $0.isEmpty ? nil : $0 } ?? Array(shape.indices))
  }

  /// A recorded reduction; `pullback` gets the gradient with the reduced axes kept as 1, in the result's dtype, and
  /// returns something that broadcasts to the input's shape.
  private func reduced(
    _ operation: String, _ kind: Reduction, _ axes: [Int]?, _ keepingDimensions: Bool, as target: DType? = nil,
    saving: Saving, pullback: @escaping @Sendable (Tensor, Saved) -> Tensor
  ) -> Tensor {
    let geometry = geometry(operation, axes)
    let (old, adds) = (dtype, kind == .sum || kind == .product)
    require(
      target.map { $0.isFloatingPoint && old.isFloatingPoint } ?? true,
      "\(operation): only the result of a floating-point tensor has a dtype to choose, and a floating-point one: got "
        + "\(target ?? old) for \(old)")
    let result = reduced(
      kind, geometry, dtype: target ?? (adds && (dtype == .int32 || dtype == .bool) ? .int64 : dtype), saving
    )
    .recorded(operation, from: [self], saving: saving) { gradient, saved in
      let share = pullback(gradient.reshaped(to: geometry.keptShape), saved).cast(to: old)
      return [share.broadcast(to: geometry.inputShape)]
    }
    return keepingDimensions ? result.reshaped(to: geometry.keptShape) : result
  }

  /// Runs a reduction; what is pending below it and is not saved need not be stored.
  private func reduced(_ kind: Reduction, _ geometry: ReductionGeometry, dtype: DType, _ saving: Saving) -> Tensor {
    let backend = device.backend
    let storage = backend.allocate(byteCount: elementCount(geometry.outputShape) * dtype.byteCount)
    let y = StridedView(storage, dtype, shape: geometry.outputShape)
    let isSaved = if case .none = saving { false } else { node != nil }
    if isSaved || !coversValue || !Evaluation.reduce(kind, geometry, value, into: y) {
      backend.reduce(kind, geometry, view, into: y)
    }
    return Tensor(Value(device, dtype, geometry.outputShape, .ready(storage)))
  }

  private func extremum(_ operation: String, _ kind: Reduction, _ axes: [Int]?, _ keeping: Bool) -> Tensor {
    let geometry = geometry(operation, axes)
    require(
      geometry.reducedCount > 0 || count > 0 || elementCount(geometry.outputShape) == 0,
      "\(operation): nothing to choose from in shape \(shape)")
    return reduced(operation, kind, axes, keeping, saving: .inputs) { gradient, saved in
      let x = saved[0].detached()
      let best =
        (kind == .max
          ? x.max(along: geometry.axes, keepingDimensions: true)
          : x.min(along: geometry.axes, keepingDimensions: true))
      // The best is NaN where there is one, which equals nothing.
      let isBest = ((x .== best) .| x.isNaN()).cast(to: .float32)
      return gradient.cast(to: .float32) * (isBest / isBest.sum(along: geometry.axes, keepingDimensions: true))
    }
  }

  private func position(_ operation: String, _ kind: ArgReduction, _ axis: Int, _ keeping: Bool) -> Tensor {
    let geometry = ReductionGeometry(operation, shape, axis: axis)
    require(geometry.reducedCount > 0, "\(operation): axis \(axis) of shape \(shape) is empty")
    let result = Tensor.record(
      operation, shape: geometry.outputShape, dtype: .int64, from: [self], saving: .none,
      compute: { backend, inputs, y in backend.argReduce(kind, geometry, inputs[0], into: y) },
      pullback: { _, _ in [nil] })
    return keeping ? result.reshaped(to: geometry.keptShape) : result
  }
}
