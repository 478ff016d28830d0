// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// A tensor of the given numbers in row-major order.
  ///
  /// - Parameters:
  ///   - shape: one axis when nil.
  ///   - device: where it lives; `Device.current` when nil.
  /// - Precondition: the shape holds as many elements as there are numbers.
  public init<T: HostScalar>(_ scalars: [T], shape: [Int]? = nil, on device: Device? = nil) {
    let shape = shape ?? [scalars.count]
    require(
      shape.allSatisfy { $0 >= 0 } && elementCount(shape) == scalars.count,
      "Tensor: \(scalars.count) numbers do not fill shape \(shape)")
    self = withUnsafeTemporaryAllocation(byteCount: scalars.count * T.dtype.byteCount, alignment: 16) { bytes in
      T.encode(scalars, into: bytes)
      return .uploaded(UnsafeRawBufferPointer(bytes), shape, T.dtype, device ?? .current)
    }
  }

  /// A scalar, of shape `[]`.
  public init(_ scalar: Float, on device: Device? = nil) { self = .full([], scalar, on: device) }

  /// A tensor that repeats one number. It takes no memory until something needs it.
  public static func full(_ shape: [Int], _ number: Float, dtype: DType = .float32, on device: Device? = nil) -> Tensor
  {
    require(shape.allSatisfy { $0 >= 0 }, "full: shape \(shape) has a negative extent")
    let scalar: PointwiseProgram.Scalar
    if dtype.isFloatingPoint {
      scalar = .real(number)
    } else {
      require(
        number == number.rounded() && Swift.abs(number) < 9e18,
        "full: \(number) is not an integer, but dtype is \(dtype)")
      scalar = .integer(dtype == .bool ? (number == 0 ? 0 : 1) : Int64(number))
    }
    return Tensor(Value(device ?? .current, dtype, shape, .constant(scalar)))
  }

  /// A tensor of zeros, or of `false` for `bool`. It takes no memory until something needs it.
  ///
  /// - Parameters:
  ///   - shape: `[]` for a scalar.
  ///   - dtype: any.
  ///   - device: where it lives; `Device.current` when nil.
  /// - Precondition: no extent is negative.
  public static func zeros(_ shape: [Int], dtype: DType = .float32, on device: Device? = nil) -> Tensor {
    full(shape, 0, dtype: dtype, on: device)
  }

  /// A tensor of ones, or of `true` for `bool`. It takes no memory until something needs it.
  ///
  /// - Parameters:
  ///   - shape: `[]` for a scalar.
  ///   - dtype: any.
  ///   - device: where it lives; `Device.current` when nil.
  /// - Precondition: no extent is negative.
  public static func ones(_ shape: [Int], dtype: DType = .float32, on device: Device? = nil) -> Tensor {
    full(shape, 1, dtype: dtype, on: device)
  }

  /// The integers of a range, `int64`.
  public static func range(_ range: Range<Int>, on device: Device? = nil) -> Tensor { Tensor(Array(range), on: device) }

  /// Memory with undefined contents.
  static func empty(_ shape: [Int], dtype: DType, on device: Device) -> Tensor {
    Tensor(
      Value(device, dtype, shape, .ready(device.backend.allocate(byteCount: elementCount(shape) * dtype.byteCount))))
  }

  /// A tensor from bytes in its dtype's memory format.
  package static func uploaded(
    _ bytes: UnsafeRawBufferPointer, _ shape: [Int], _ dtype: DType, _ device: Device
  ) -> Tensor {
    let tensor = empty(shape, dtype: dtype, on: device)
    device.backend.upload(bytes, to: tensor.value.storage(), byteOffset: 0)
    return tensor
  }
}
