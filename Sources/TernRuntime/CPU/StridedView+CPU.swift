// SPDX-License-Identifier: MIT
import CTernCPU

extension StridedView {
  /// The address of the first element; CPU storage only.
  package var address: UnsafeMutableRawPointer { storage.handle! + offset * dtype.byteCount }

  /// The first element of a Float32 view.
  package var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }

  /// How the C loops read the elements.
  var element: tern_element {
    switch dtype {
    case .float32: TERN_ELEMENT_FLOAT32
    case .float16: TERN_ELEMENT_FLOAT16
    case .bfloat16: TERN_ELEMENT_BFLOAT16
    case .int32, .int64, .bool: trap("a view of \(dtype) where a floating-point type was expected")
    }
  }

  /// Two axes as the rows and columns of a matrix that starts `elementOffset` elements behind the first.
  package func matrix(row: Int, column: Int, at elementOffset: Int = 0) -> tern_matrix {
    tern_matrix(
      data: UnsafeRawPointer(address + elementOffset * dtype.byteCount), row_stride: strides[row],
      column_stride: strides[column], element: element)
  }

  /// The elements as dense Float32: in place if they are, else a copy in scratch memory.
  func withDenseFloats<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    if dtype == .float32 && isContiguous { return body(UnsafePointer(floats)) }
    return ScratchPool.shared.withFloats(count) { dense in
      let rank = shape.count
      let (rows, columns) = (rank > 1 ? shape[rank - 2] : 1, shape.last ?? 1)
      var matrix = tern_matrix(
        data: nil, row_stride: rank > 1 ? strides[rank - 2] : 0, column_stride: strides.last ?? 1, element: element)
      let functions = tern_gemm().pointee
      for index in 0..<(rows * columns == 0 ? 0 : count / (rows * columns)) {
        matrix.data = UnsafeRawPointer(address + leadingOffset(index) * dtype.byteCount)
        functions.load(&matrix, rows, columns, dense + index * rows * columns)
      }
      return body(UnsafePointer(dense))
    }
  }

  /// Rounds dense Float32 values to the view's dtype and copies them to its places.
  func storeDenseFloats(_ source: UnsafePointer<Float>) {
    let rank = shape.count
    let (rows, columns) = (rank > 1 ? shape[rank - 2] : 1, shape.last ?? 1)
    let functions = tern_gemm().pointee
    for index in 0..<(rows * columns == 0 ? 0 : count / (rows * columns)) {
      functions.store(
        source + index * rows * columns, rows, columns, address + leadingOffset(index) * dtype.byteCount,
        rank > 1 ? strides[rank - 2] : 0, strides.last ?? 1, element)
    }
  }

  /// The offset of matrix `index` of the last two axes, counted over the axes before them.
  private func leadingOffset(_ index: Int) -> Int {
    var (rest, offset) = (index, 0)
    for axis in stride(from: shape.count - 3, through: 0, by: -1) {
      offset += rest % shape[axis] * strides[axis]
      rest /= shape[axis]
    }
    return offset
  }
}
