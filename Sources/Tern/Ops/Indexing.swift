// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// Elements picked along one axis, each by an index of its own.
  ///
  ///     y[i, j, k] = self[i, indices[i, j, k], k]        for axis 1 of three
  ///
  /// - Parameters:
  ///   - indices: `int32` or `int64`, of this tensor's rank; its extents agree with this tensor's but for the axis, or
  ///     are 1 and repeat. An index outside of the axis gives NaN (0 for integers), since reading it back to check
  ///     would stall the device.
  ///   - axis: negative counts from the end.
  /// - Returns: this tensor's extents, with those of `indices` along the axis. The gradient adds up elements that are
  ///   picked more than once, in order, the same bits every time.
  /// - Precondition: indices and tensor agree in rank, extents and device.
  public func gathered(at indices: Tensor, along axis: Int) -> Tensor {
    let axis = resolvedAxis("gathered", axis)
    return gathered("gathered", indices.repeated("gathered", over: self, axis), axis)
  }

  /// Whole slices picked along one axis: `y[i, j, k] = self[i, indices[j], k]` for axis 1 of three.
  ///
  /// - Parameters:
  ///   - indices: `int32` or `int64`, one axis. An index outside of the axis gives NaN (0 for integers).
  ///   - axis: negative counts from the end.
  /// - Returns: this tensor's shape with as many slices as there are indices. Gradients of repeated slices add up in
  ///   order.
  /// - Precondition: `indices` has one axis.
  public func selected(_ indices: Tensor, along axis: Int) -> Tensor {
    let axis = resolvedAxis("selected", axis)
    requireIndices("selected", indices)
    require(indices.rank == 1, "selected: indices must have one axis, got \(indices.shape)")
    if axis == 0 { return gathered(rows: indices) }
    var (one, target) = ([Int](repeating: 1, count: rank), shape)
    (one[axis], target[axis]) = (indices.count, indices.count)
    return gathered("selected", indices.detached().reshaped(to: one).broadcast(to: target), axis)
  }

  /// This tensor plus elements of another at places along one axis.
  ///
  ///     y[i, indices[i, j, k], k] += source[i, j, k]        for axis 1 of three, from y = self
  ///
  /// - Parameters:
  ///   - source: of this tensor's rank, dtype and extents but for the axis.
  ///   - indices: `int32` or `int64`, of `source`'s shape, or with extents 1 that repeat. What has an index outside of
  ///     the axis is left out.
  ///   - axis: negative counts from the end.
  /// - Returns: this tensor's shape. Sums run in the order of `j`, in Float32, the same bits every time.
  /// - Precondition: shapes, dtypes and devices agree; the dtype is not `bool`.
  public func scatterAdding(_ source: Tensor, at indices: Tensor, along axis: Int) -> Tensor {
    let axis = resolvedAxis("scatterAdding", axis)
    _ = Tensor.commonDType("scatterAdding", [self, source])
    require(dtype != .bool, "scatterAdding: bool tensors have no arithmetic; convert with x.cast(to:)")
    var (own, other) = (shape, source.shape)
    require(own.count == other.count, "scatterAdding: ranks of \(shape) and source \(source.shape) differ")
    (own[axis], other[axis]) = (0, 0)
    require(own == other, "scatterAdding: \(shape) and source \(source.shape) differ beside axis \(axis)")
    let places = indices.repeated("scatterAdding", over: source, axis)
    require(
      places.shape[axis] == source.shape[axis],
      "scatterAdding: indices \(indices.shape) and source \(source.shape) differ along axis \(axis)")
    return self + source.scattered("scatterAdding", places, axis, length: shape[axis])
  }

  // MARK: Parts

  /// Picks elements; `indices` have this tensor's shape but for the axis.
  func gathered(_ operation: String, _ indices: Tensor, _ axis: Int) -> Tensor {
    let length = shape[axis]
    _ = Tensor.commonDevice(operation, [self, indices])
    return .record(
      operation, shape: indices.shape, dtype: dtype, from: [self], saving: .tensors([indices]),
      compute: { backend, inputs, y in backend.gather(axis: axis, inputs[0], indices.view, into: y) },
      pullback: { gradient, saved in [gradient.scattered(operation + " gradient", saved[0], axis, length: length)] })
  }

  /// Adds elements up in a tensor of zeros with `length` elements along the axis; the reverse of `gathered`.
  func scattered(_ operation: String, _ indices: Tensor, _ axis: Int, length: Int) -> Tensor {
    _ = Tensor.commonDevice(operation, [self, indices])
    var target = shape
    target[axis] = length
    return .record(
      operation, shape: target, dtype: dtype, from: [self], saving: .tensors([indices]),
      compute: { backend, inputs, y in backend.scatterAdd(axis: axis, inputs[0], indices.view, into: y) },
      pullback: { gradient, saved in
        // What went nowhere has no gradient; looking it up would give NaN.
        let places = saved[0]
        return [`where`(places.isInside(length), gradient.gathered(operation + " gradient", places, axis), 0)]
      })
  }

  /// Which indices are in `0 ..< length`.
  func isInside(_ length: Int) -> Tensor {
    if dtype == .int32 && length > Int(Int32.max) { return self .>= 0 }
    return (self .>= 0) .& (self .< like(length))
  }

  func requireIndices(_ operation: String, _ indices: Tensor) {
    require(
      indices.dtype == .int32 || indices.dtype == .int64,
      "\(operation): indices must be int32 or int64, got \(indices.dtype)")
  }

  /// These indices with extents of 1 beside the axis repeated to those of `x`.
  private func repeated(_ operation: String, over x: Tensor, _ axis: Int) -> Tensor {
    x.requireIndices(operation, self)
    require(rank == x.rank, "\(operation): indices \(shape) and tensor \(x.shape) must have the same rank")
    var target = x.shape
    target[axis] = shape[axis]
    for other in shape.indices {
      require(
        shape[other] == target[other] || shape[other] == 1,
        "\(operation): indices \(shape) do not fit tensor \(x.shape) beside axis \(axis)")
    }
    return detached().broadcast(to: target)
  }
}
