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
    return Tensor(Value(device ?? .current, dtype, shape, .constant(scalar("full", number, dtype))))
  }

  /// A tensor that repeats one integer, exact for integer dtypes. It takes no memory until something needs it.
  ///
  /// - Parameters:
  ///   - shape: `[]` for a scalar.
  ///   - number: rounded for floating-point dtypes; `bool` asks whether it is 0.
  ///   - dtype: any.
  ///   - device: where it lives; `Device.current` when nil.
  /// - Precondition: no extent is negative, and `int32` holds the number if that is the dtype.
  public static func full(
    _ shape: [Int], integer number: Int, dtype: DType = .int64, on device: Device? = nil
  ) -> Tensor {
    require(shape.allSatisfy { $0 >= 0 }, "full: shape \(shape) has a negative extent")
    require(
      dtype != .int32 || Int32(exactly: number) != nil,
      "full: \(number) is out of range for \(dtype), expected \(Int32.min) ... \(Int32.max)")
    let scalar: PointwiseProgram.Scalar =
      dtype.isFloatingPoint ? .real(Float(number)) : .integer(dtype == .bool ? (number == 0 ? 0 : 1) : Int64(number))
    return Tensor(Value(device ?? .current, dtype, shape, .constant(scalar)))
  }

  /// A number in the class of a dtype. A Float beside integers has to be one, and small enough to be the one that was
  /// written: 16,777,217 has become 16,777,216 before anything sees it.
  static func scalar(_ operation: String, _ number: Float, _ dtype: DType) -> PointwiseProgram.Scalar {
    if dtype.isFloatingPoint { return .real(number) }
    require(
      number == number.rounded(),
      "\(operation): \(number) is not an integer, but the tensor is \(dtype); convert it with x.cast(to:)")
    if dtype == .bool { return .integer(number == 0 ? 0 : 1) }
    require(
      Swift.abs(number) < 0x1p24,
      "\(operation): \(number) beside an \(dtype) tensor may have been rounded, a Float is exact below 2^24; give "
        + "Tensor.full([], integer: number, dtype: .\(dtype)) to an operation on two tensors")
    return .integer(Int64(number))
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
