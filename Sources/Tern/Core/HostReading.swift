// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// All elements in row-major order. Waits for the device; other dtypes are converted as by `cast(to:)`.
  ///
  /// - Throws: what went wrong on the device since the last wait.
  public func scalars<T: HostScalar>(as type: T.Type) throws -> [T] {
    let bytes = try cast(to: T.dtype).contiguous().bytes()
    return bytes.withUnsafeBytes { T.decode($0) }
  }

  /// The only element.
  ///
  /// - Precondition: there is exactly one.
  /// - Throws: what went wrong on the device since the last wait.
  public func scalar<T: HostScalar>(as type: T.Type) throws -> T {
    require(count == 1, "scalar: needs one element, got shape \(shape)")
    return try scalars(as: type)[0]
  }

  /// The memory of a dense tensor.
  package func bytes() throws -> [UInt8] {
    let (storage, size) = (value.storage(), count * dtype.byteCount)
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, written in
      try device.backend.download(
        storage, byteOffset: offset * dtype.byteCount,
        into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<size]))
      written = size
    }
  }

  /// Whether all elements agree: `|x - y| <= absolute + relative * |y|`. NaN agrees with NaN, an infinity with itself.
  ///
  /// - Throws: what went wrong on the device since the last wait.
  /// - Precondition: the shapes are equal.
  public func isClose(to other: Tensor, relative: Float = 1e-5, absolute: Float = 1e-8) throws -> Bool {
    try closeElements(to: other, relative: relative, absolute: absolute).all().scalar(as: Bool.self)
  }

  /// For each element, whether it agrees as in `isClose(to:relative:absolute:)`.
  public func closeElements(to other: Tensor, relative: Float = 1e-5, absolute: Float = 1e-8) -> Tensor {
    require(shape == other.shape, "isClose: shapes \(shape) and \(other.shape) differ")
    let (x, y) = (detached(), other.detached())
    if !x.dtype.isFloatingPoint { return x .== y }
    let near = abs(x - y) .<= abs(y) * relative + absolute
    return (x .== y) .| (near .& y.isFinite()) .| (x.isNaN() .& y.isNaN())
  }
}
