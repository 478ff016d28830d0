// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Loads and stores of every dtype, in both tiers and both forms of kernel.
@Suite("OpenCL dtypes", .serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLPointwiseDTypeTests {
  /// Values that every conversion must treat with care: ties, halves' largest and smallest, integers at the limits.
  static let reals: [Double] = [
    0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, 2049, 2051, 65504, 65519, 65520, -70000, 6e-8, 2.9e-8, 5.96e-8, 1e-5, 1e-9,
    257, 259, 1.00390625, 1.01171875, 3.4e38, .infinity, -.infinity, 100.75, -100.75, 1e10, -1e10, 1e19,
  ]
  static let integers: [Int64] = [0, 1, -1, 2, 5, 127, 255, 256, 65535, 1 << 31, -(1 << 31) - 1, 1 << 40, .max, .min]

  /// A number as `dtype` stores it, as bits.
  static func bits(_ value: Double, _ dtype: DType) -> UInt64 {
    switch dtype {
    case .float32: UInt64(Float(value).bitPattern)
    case .float16: UInt64(Float16(Float(value)).bitPattern)
    case .bfloat16: UInt64(bfloat16(Float(value)))
    default: fatalError("not a floating-point type")
    }
  }

  static func bfloat16(_ value: Float) -> UInt16 {
    let upper = UInt16(value.bitPattern >> 16)
    let rest = value.bitPattern & 0xffff
    return rest > 0x8000 || rest == 0x8000 && upper & 1 == 1 ? upper + 1 : upper
  }

  static func bits(_ value: Int64, _ dtype: DType) -> UInt64 {
    switch dtype {
    case .int32: UInt64(UInt32(truncatingIfNeeded: value))
    case .int64: UInt64(bitPattern: value)
    case .bool: value == 0 ? 0 : 1
    default: fatalError("not an integer type")
    }
  }

  static func real(_ bits: UInt64, _ dtype: DType) -> Double {
    switch dtype {
    case .float32: Double(Float(bitPattern: UInt32(bits)))
    case .float16: Double(Float16(bitPattern: UInt16(bits)))
    default: Double(Float(bitPattern: UInt32(bits) << 16))
    }
  }

  static func integer(_ bits: UInt64, _ dtype: DType) -> Int64 {
    dtype == .int32 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
  }

  /// Truncation towards zero, saturating.
  static func truncated(_ value: Double, to dtype: DType = .int64) -> Int64 {
    if value.isNaN { return 0 }
    if dtype == .int32 { return Int64(Swift.max(Double(Int32.min), Swift.min(Double(Int32.max), value))) }
    return value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : Int64(value)
  }

  static func converted(_ bits: UInt64, _ from: DType, _ to: DType) -> UInt64 {
    switch (from.isFloatingPoint, to.isFloatingPoint) {
    case (true, true): self.bits(real(bits, from), to)
    case (true, false):
      to == .bool ? (real(bits, from) != 0 ? 1 : 0) : self.bits(truncated(real(bits, from), to: to), to)
    case (false, true): self.bits(Double(Float(integer(bits, from))), to)
    case (false, false): self.bits(integer(bits, from), to)
    }
  }

  static func packed(_ values: [UInt64], _ dtype: DType) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0.prefix(dtype.byteCount)) } }
  }

  @Test(arguments: DType.allCases) func storesConvertToEveryDType(from: DType) throws {
    let values =
      from.isFloatingPoint ? Self.reals.map { Self.bits($0, from) } : Self.integers.map { Self.bits($0, from) }
    let program = PointwiseProgram(
      inputs: [from], instructions: [], outputs: DType.allCases.map { .init(register: 0, dtype: $0) }
    ).withConversions
    let result = try OpenCLPointwiseTests.agreed { backend in
      let count = values.count
      let x = StridedView(backend.storage(of: Self.packed(values, from)), from, shape: [count])
      let outputs = DType.allCases.map { StridedView(backend.allocate(byteCount: count * 8), $0, shape: [count]) }
      backend.pointwise(program, [PointwiseOperands(inputs: [x], outputs: outputs)])
      return try outputs.map { try backend.array(UInt8.self, count * $0.dtype.byteCount, from: $0.storage) }
    }
    for (to, bytes) in zip(DType.allCases, result) {
      #expect(bytes == Self.packed(values.map { Self.converted($0, from, to) }, to), "to \(to)")
    }
  }

  @Test(arguments: DType.allCases) func fillWithARealOrAnInteger(dtype: DType) throws {
    for scalar in [PointwiseProgram.Scalar.real(2.5), .integer(-3)] {
      let result = try OpenCLPointwiseTests.agreed { backend in
        let y = StridedView(backend.allocate(byteCount: 9 * 8), dtype, shape: [9])
        backend.pointwise(
          PointwiseProgram.fill(scalar, dtype: dtype).withConversions, [PointwiseOperands(inputs: [], outputs: [y])])
        return try backend.array(UInt8.self, 9 * dtype.byteCount, from: y.storage)
      }
      let value: UInt64 =
        switch scalar {
        case .real(let real): Self.converted(Self.bits(Double(real), .float32), .float32, dtype)
        case .integer(let integer): Self.converted(Self.bits(integer, .int64), .int64, dtype)
        }
      #expect(result == Self.packed([UInt64](repeating: value, count: 9), dtype))
    }
  }
}
