// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// A view with the elements of some axes in reverse.
  ///
  /// - Parameter axes: negative ones count from the end; each stands once.
  public func flipped(along axes: Int...) -> Tensor { flipped(along: axes) }

  /// A view with the elements of some axes in reverse.
  ///
  /// - Parameter axes: negative ones count from the end; each stands once.
  public func flipped(along axes: [Int]) -> Tensor {
    let axes = axes.map { resolvedAxis("flipped", $0) }
    require(Set(axes).count == axes.count, "flipped: an axis stands twice in \(axes)")
    if count == 0 || axes.isEmpty { return self }
    var (strides, offset) = (strides, offset)
    for axis in axes {
      offset += (shape[axis] - 1) * strides[axis]
      strides[axis] = -strides[axis]
    }
    return viewed(shape, strides, offset)
      .recorded("flipped", from: [self], saving: .none) { gradient, _ in [gradient.flipped(along: axes)] }
  }

  /// The elements moved along an axis, those that leave at one end coming back at the other:
  /// `y[(i + shift) mod n] = x[i]`.
  ///
  /// - Parameters:
  ///   - shift: any number; negative moves to the front.
  ///   - axis: negative counts from the end.
  public func rolled(by shift: Int, along axis: Int) -> Tensor {
    let axis = resolvedAxis("rolled", axis)
    let length = shape[axis]
    if length == 0 { return self }
    let start = (length - shift % length) % length
    if start == 0 { return self }
    return concatenated([sliced(along: axis, from: start), sliced(along: axis, to: start)], along: axis)
  }

  /// Copies side by side: `repeats[i]` of them along axis `i`.
  ///
  /// - Parameter repeats: one number for each axis. With fewer numbers than axes they belong to the last axes; with
  ///   more, the tensor gets axes of length 1 in front.
  /// - Precondition: no number is negative.
  public func tiled(_ repeats: [Int]) -> Tensor {
    require(repeats.allSatisfy { $0 >= 0 }, "tiled: repeats must not be negative, got \(repeats)")
    let full = Swift.max(rank, repeats.count)
    let repeats = Array(repeating: 1, count: full - repeats.count) + repeats
    let extents = Array(repeating: 1, count: full - rank) + shape
    let apart = zip(extents, repeats).flatMap { [1, $0.0] }
    let repeated = zip(extents, repeats).flatMap { [$0.1, $0.0] }
    return reshaped(to: apart).broadcast(to: repeated).reshaped(to: zip(extents, repeats).map { $0 * $1 })
  }

  /// Each element `count` times in a row along one axis: `y[i] = x[i / count]`.
  ///
  /// - Precondition: `count` is not negative.
  public func repeated(_ count: Int, along axis: Int) -> Tensor {
    let axis = resolvedAxis("repeated", axis)
    require(count >= 0, "repeated: the number of copies must not be negative, got \(count)")
    var (apart, joined) = (shape, shape)
    apart.insert(count, at: axis + 1)
    joined[axis] *= count
    return expanded(at: axis + 1).broadcast(to: apart).reshaped(to: joined)
  }

  /// A view of the diagonal of two axes, as the last axis of the result.
  ///
  /// - Parameters:
  ///   - first: the axis of the rows; negative counts from the end.
  ///   - second: the axis of the columns.
  ///   - offset: 0 for the main diagonal, positive above it, negative below it.
  /// - Returns: the other axes, then the diagonal, which is empty where the offset lies outside.
  /// - Precondition: the axes differ.
  public func diagonal(_ first: Int = -2, _ second: Int = -1, offset: Int = 0) -> Tensor {
    let (row, column) = (resolvedAxis("diagonal", first), resolvedAxis("diagonal", second))
    require(row != column, "diagonal: needs two axes, got \(first) twice")
    return Diagonal(shape, row, column, offset).taken(from: self)
  }

  /// The elements on and below a diagonal of the last two axes, zeros elsewhere.
  ///
  /// - Parameter diagonal: 0 for the main one, positive above it, negative below it.
  /// - Precondition: the rank is at least 2.
  public func lowerTriangle(diagonal: Int = 0) -> Tensor {
    triangle("lowerTriangle") { row, column in column .<= row + row.like(diagonal) }
  }

  /// The elements on and above a diagonal of the last two axes, zeros elsewhere.
  ///
  /// - Parameter diagonal: 0 for the main one, positive above it, negative below it.
  /// - Precondition: the rank is at least 2.
  public func upperTriangle(diagonal: Int = 0) -> Tensor {
    triangle("upperTriangle") { row, column in column .>= row + row.like(diagonal) }
  }

  private func triangle(_ operation: String, _ keeps: (Tensor, Tensor) -> Tensor) -> Tensor {
    require(rank >= 2, "\(operation): needs at least 2 axes, got shape \(shape)")
    let rows = Tensor.range(0..<shape[rank - 2], on: device).expanded(at: 1)
    let columns = Tensor.range(0..<shape[rank - 1], on: device)
    return `where`(keeps(rows, columns), self, 0)
  }
}

/// A diagonal of two axes.
private struct Diagonal: Sendable {
  let row, column, firstRow, firstColumn, length: Int

  init(_ shape: [Int], _ row: Int, _ column: Int, _ offset: Int) {
    (self.row, self.column) = (row, column)
    (firstRow, firstColumn) = (max(0, -offset), max(0, offset))
    length = max(0, min(shape[row] - firstRow, shape[column] - firstColumn))
  }

  /// Shape, strides and offset of the diagonal of an array.
  private func geometry(_ shape: [Int], _ strides: [Int], _ offset: Int) -> ([Int], [Int], Int) {
    let others = shape.indices.filter { $0 != row && $0 != column }
    let start = length == 0 ? 0 : firstRow * strides[row] + firstColumn * strides[column]
    return (
      others.map { shape[$0] } + [length], others.map { strides[$0] } + [strides[row] + strides[column]], offset + start
    )
  }

  func taken(from x: Tensor) -> Tensor {
    let full = x.shape
    let (shape, strides, offset) = geometry(full, x.strides, x.offset)
    return x.viewed(shape, strides, offset)
      .recorded("diagonal", from: [x], saving: .none) { gradient, _ in [embedded(gradient, in: full)] }
  }

  /// A tensor of zeros of `shape` with `part` on the diagonal.
  private func embedded(_ part: Tensor, in shape: [Int]) -> Tensor {
    .record(
      "diagonal gradient", shape: shape, dtype: part.dtype, from: [part], saving: .none,
      compute: { backend, inputs, y in
        backend.pointwise(.fill(.real(0), dtype: y.dtype), [PointwiseOperands(inputs: [], outputs: [y])])
        let (partShape, strides, offset) = geometry(y.shape, y.strides, y.offset)
        let target = y.viewed(shape: partShape, strides: strides, offset: offset)
        backend.pointwise(.copy(from: y.dtype, to: y.dtype), [PointwiseOperands(inputs: inputs, outputs: [target])])
      },
      pullback: { gradient, _ in [taken(from: gradient)] })
  }
}
