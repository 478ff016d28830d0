// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// The elements in order along one axis, and where they came from.
  ///
  /// - Parameters:
  ///   - axis: negative counts from the end.
  ///   - descending: the greatest first.
  /// - Returns: values, and their positions along the axis, `int64`; both of this tensor's shape. Equal elements keep
  ///   their order. NaN counts as the greatest. The gradient goes back to the positions.
  public func sorted(along axis: Int = -1, descending: Bool = false) -> (values: Tensor, positions: Tensor) {
    let axis = resolvedAxis("sorted", axis)
    return firstSorted("sorted", shape[axis], axis, descending)
  }

  /// The `count` greatest, or least, elements along one axis in order, and where they stand.
  ///
  /// - Parameters:
  ///   - count: how many, at most the extent of the axis.
  ///   - axis: negative counts from the end.
  ///   - largest: the greatest elements, the greatest first; else the least, the least first.
  /// - Returns: values, and their positions along the axis, `int64`; this tensor's shape with `count` along the axis.
  ///   Of equal elements the first counts. NaN counts as the greatest.
  /// - Precondition: `0 <= count <= shape[axis]`.
  public func topK(_ count: Int, along axis: Int = -1, largest: Bool = true) -> (values: Tensor, positions: Tensor) {
    let axis = resolvedAxis("topK", axis)
    require(
      count >= 0 && count <= shape[axis],
      "topK: \(count) elements of axis \(axis) of shape \(shape), which has \(shape[axis])")
    return firstSorted("topK", count, axis, largest)
  }

  private func firstSorted(
    _ operation: String, _ count: Int, _ axis: Int, _ descending: Bool
  ) -> (values: Tensor, positions: Tensor) {
    var target = shape
    target[axis] = count
    let positions = Tensor.record(
      operation, shape: target, dtype: .int64, from: [self], saving: .none,
      compute: { backend, inputs, y in
        backend.sortPositions(axis: axis, descending: descending, inputs[0], into: y)
      }, pullback: { _, _ in [nil] })
    return (gathered(operation, positions, axis), positions)
  }
}
