// SPDX-License-Identifier: MIT

/// A strided window into device memory: what backends read and write.
///
/// Element `(i, j, …)` stands at `offset + i * strides[0] + j * strides[1] + …`, counted in elements of `dtype`.
/// A stride of 0 repeats (broadcasting); strides may be negative (flips) as long as every element lies in the storage.
package struct StridedView: Sendable {
  package let storage: Storage
  package let dtype: DType
  package let shape: [Int]
  package let strides: [Int]
  package let offset: Int

  package init(_ storage: Storage, _ dtype: DType, shape: [Int], strides: [Int], offset: Int = 0) {
    self.storage = storage
    self.dtype = dtype
    self.shape = shape
    self.strides = strides
    self.offset = offset
  }

  /// A dense row-major view from the start of `storage`.
  package init(_ storage: Storage, _ dtype: DType, shape: [Int]) {
    self.init(storage, dtype, shape: shape, strides: contiguousStrides(shape))
  }

  package var count: Int { elementCount(shape) }
  package var isContiguous: Bool { strides == contiguousStrides(shape) || isDense }

  /// Dense row-major, where the stride of an axis of length 1 does not matter.
  private var isDense: Bool {
    var expected = 1
    for axis in shape.indices.reversed() {
      if shape[axis] != 1 && strides[axis] != expected { return false }
      expected *= shape[axis]
    }
    return true
  }

  /// The same memory seen with another geometry.
  package func viewed(shape: [Int], strides: [Int], offset: Int? = nil) -> StridedView {
    StridedView(storage, dtype, shape: shape, strides: strides, offset: offset ?? self.offset)
  }
}

/// The number of elements of a tensor of this shape; 1 for a scalar.
@inlinable
package func elementCount(_ shape: [Int]) -> Int {
  var count = 1
  for extent in shape { count *= extent }
  return count
}

/// Strides of a dense row-major array.
package func contiguousStrides(_ shape: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: shape.count)
  var stride = 1
  for axis in shape.indices.reversed() {
    strides[axis] = stride
    stride *= max(1, shape[axis])
  }
  return strides
}
