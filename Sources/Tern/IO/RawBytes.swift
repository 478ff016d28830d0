// SPDX-License-Identifier: MIT
import TernRuntime

// Tensors as the bytes that file formats hold: row-major, little-endian, which is also the memory format of every
// machine that Tern supports.

extension Tensor {
  /// A tensor from its elements' bytes.
  ///
  /// - Parameters:
  ///   - bytes: row-major, little-endian; a `bool` is one byte, true where it is not 0.
  ///   - device: where it lives; `Device.current` when nil.
  /// - Precondition: there are as many bytes as the shape and the dtype need.
  public init(littleEndianBytes bytes: [UInt8], dtype: DType, shape: [Int], on device: Device? = nil) {
    require(
      shape.allSatisfy { $0 >= 0 } && elementCount(shape) * dtype.byteCount == bytes.count,
      "Tensor: \(bytes.count) bytes do not fill \(dtype) \(shape)")
    let valid = dtype == .bool ? bytes.map { $0 == 0 ? 0 : 1 } : bytes
    self = valid.withUnsafeBytes { .uploaded($0, shape, dtype, device ?? .current) }
  }

  /// The elements' bytes, row-major, little-endian. Waits for the device.
  ///
  /// - Throws: what went wrong on the device since the last wait.
  public func littleEndianBytes() throws -> [UInt8] { try contiguous().bytes() }
}
