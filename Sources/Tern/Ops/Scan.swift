// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// Running sums along one axis: `y[i] = x[0] + … + x[i]`. Those of `int32` and `bool` are `int64`.
  ///
  /// - Parameters:
  ///   - axis: negative counts from the end.
  ///   - isReversed: sums run from the end, `y[i] = x[i] + … + x[n - 1]`.
  ///   - isExclusive: the element itself is left out, so that the first sum is 0.
  /// - Returns: this tensor's shape; floating-point numbers are accumulated in Float32, in blocks.
  public func cumulativeSum(along axis: Int, isReversed: Bool = false, isExclusive: Bool = false) -> Tensor {
    let axis = resolvedAxis("cumulativeSum", axis)
    if isReversed {
      return flipped(along: axis).cumulativeSum(along: axis, isExclusive: isExclusive).flipped(along: axis)
    }
    let sums = scanned("cumulativeSum", .sum, axis, saving: .none) { gradient, _ in
      gradient.cumulativeSum(along: axis, isReversed: true)
    }
    return isExclusive ? sums.shiftedAlong(axis, filling: 0) : sums
  }

  /// Running products along one axis: `y[i] = x[0] * … * x[i]`. Those of `int32` and `bool` are `int64`.
  ///
  /// The gradient is right with zeros among the factors, too.
  ///
  /// - Parameters:
  ///   - axis: negative counts from the end.
  ///   - isReversed: products run from the end.
  ///   - isExclusive: the element itself is left out, so that the first product is 1.
  public func cumulativeProduct(along axis: Int, isReversed: Bool = false, isExclusive: Bool = false) -> Tensor {
    let axis = resolvedAxis("cumulativeProduct", axis)
    if isReversed {
      return flipped(along: axis).cumulativeProduct(along: axis, isExclusive: isExclusive).flipped(along: axis)
    }
    let products = scanned("cumulativeProduct", .product, axis, saving: .inputs) { gradient, saved in
      if saved.createsGraph { return saved.composedGradients(gradient, count: 1) { $0[0].doubledProducts(axis) }[0]! }
      let x = saved[0]
      let isZero = x .== 0
      let zeros = isZero.cumulativeSum(along: axis)
      // Products that leave out the first zero, and end at the second.
      let isFirstZero = isZero .& (zeros .== 1)
      let others = `where`(isFirstZero, 1, x).cumulativeProduct(along: axis)
      let none = others.like(0)
      let isBefore = zeros .== 0
      let before = (gradient * `where`(isBefore, others, none)).cumulativeSum(along: axis, isReversed: true)
      let behind = (gradient * `where`(isBefore, none, others)).cumulativeSum(along: axis, isReversed: true)
      return `where`(isBefore, before / `where`(isZero, 1, x), `where`(isFirstZero, behind, none))
    }
    return isExclusive ? products.shiftedAlong(axis, filling: 1) : products
  }

  /// The greatest elements so far along one axis, and where they stand.
  ///
  /// - Parameter axis: negative counts from the end.
  /// - Returns: values, and their positions along the axis, `int64`; both of this tensor's shape. The first of equals
  ///   counts, and gets the gradient; NaN is the greatest.
  public func cumulativeMax(along axis: Int) -> (values: Tensor, positions: Tensor) {
    runningExtreme("cumulativeMax", .maxPosition, axis)
  }

  /// The least elements so far along one axis, and where they stand; otherwise as `cumulativeMax`.
  public func cumulativeMin(along axis: Int) -> (values: Tensor, positions: Tensor) {
    runningExtreme("cumulativeMin", .minPosition, axis)
  }

  /// Running products, each from those that end one, two, four... places before: differentiable whatever the factors.
  private func doubledProducts(_ axis: Int) -> Tensor {
    var (products, reach) = (self, 1)
    while reach < shape[axis] {
      let before = products.padded([AxisPadding(axis: axis, before: reach, after: -reach)], mode: .constant(1))
      products = products * before
      reach *= 2
    }
    return products
  }

  private func runningExtreme(_ operation: String, _ kind: Scan, _ axis: Int) -> (values: Tensor, positions: Tensor) {
    let axis = resolvedAxis(operation, axis)
    let positions = detached().scanned(operation, kind, axis, saving: .none) { gradient, _ in gradient }
    return (gathered(operation, positions, axis), positions)
  }

  private func scanned(
    _ operation: String, _ kind: Scan, _ axis: Int, saving: Saving,
    pullback: @escaping @Sendable (Tensor, Saved) -> Tensor
  ) -> Tensor {
    .record(
      operation, shape: shape, dtype: dtype.isFloatingPoint && !kind.givesPositions ? dtype : .int64, from: [self],
      saving: saving, compute: { backend, inputs, y in backend.scan(kind, axis: axis, inputs[0], into: y) },
      pullback: { [pullback($0, $1)] })
  }

  /// The elements one place further along the axis, behind a number; the last ones fall out.
  private func shiftedAlong(_ axis: Int, filling number: Float) -> Tensor {
    if shape[axis] == 0 { return self }
    var first = shape
    first[axis] = 1
    return concatenated(
      [.full(first, number, dtype: dtype, on: device), sliced(along: axis, to: shape[axis] - 1)], along: axis)
  }
}
