// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// Rows by number: `y[i..., :] = self[indices[i...], :]`, an embedding's look-up.
  ///
  /// - Parameter indices: `int32` or `int64`, any shape. An index outside `0 ..< shape[0]` gives a row of NaN
  ///   (0 for integers), since reading it back to check would stall the device.
  /// - Returns: `indices.shape + shape[1...]`. The gradient adds up rows in order, the same bits every time.
  /// - Precondition: the rank is at least 1.
  public func gathered(rows indices: Tensor) -> Tensor {
    require(rank >= 1, "gathered: needs at least one axis, got a scalar")
    require(
      indices.dtype == .int32 || indices.dtype == .int64,
      "gathered: indices must be int32 or int64, got \(indices.dtype)")
    let columns = elementCount(Array(shape.dropFirst()))
    let table = reshaped(to: [shape[0], columns])
    return gatherRows(table, indices.detached().reshaped(to: [indices.count]))
      .reshaped(to: indices.shape + shape.dropFirst())
  }
}

func gatherRows(_ table: Tensor, _ indices: Tensor) -> Tensor {
  let rows = table.shape[0]
  _ = Tensor.commonDevice("gathered", [table, indices])
  return .record(
    "gathered", shape: [indices.count, table.shape[1]], dtype: table.dtype, from: [table], saving: .tensors([indices]),
    compute: { backend, inputs, y in backend.gatherRows(inputs[0], indices.view, into: y) },
    pullback: { gradient, saved in [scatterAddRows(gradient, saved[0], rows: rows)] })
}

/// `y[r, :]` is the sum of all `x[i, :]` with `indices[i] == r`.
func scatterAddRows(_ x: Tensor, _ indices: Tensor, rows: Int) -> Tensor {
  .record(
    "gathered gradient", shape: [rows, x.shape[1]], dtype: x.dtype, from: [x], saving: .tensors([indices]),
    compute: { backend, inputs, y in backend.scatterAddRows(inputs[0], indices.view, into: y) },
    pullback: { gradient, saved in
      // What went nowhere has no gradient; looking it up would give NaN.
      [`where`(saved[0].isInside(rows).expanded(at: 1), gatherRows(gradient, saved[0]), 0)]
    })
}
