// SPDX-License-Identifier: MIT
import TernRuntime

/// A Swift number type that tensors can be made from and read as.
///
/// `Float` is float32, `Int32` int32, `Int` and `Int64` int64, `Bool` bool. `Double` and `UInt8` convert: to float32
/// and int32. Float16 tensors are read as `Float`.
public protocol HostScalar: Sendable {
  /// The dtype of a tensor made from such numbers.
  static var dtype: DType { get }
  /// Writes numbers one behind the other in the dtype's memory format.
  ///
  /// - Parameter bytes: room for `scalars.count * dtype.byteCount` bytes.
  static func encode(_ scalars: [Self], into bytes: UnsafeMutableRawBufferPointer)
  /// Reads numbers back from that format.
  static func decode(_ bytes: UnsafeRawBufferPointer) -> [Self]
}

extension HostScalar {
  fileprivate static func copy<T>(_ scalars: [T], _ bytes: UnsafeMutableRawBufferPointer) {
    scalars.withUnsafeBytes { bytes.copyMemory(from: $0) }
  }
}

extension Float: HostScalar {
  public static var dtype: DType { .float32 }
  public static func encode(_ scalars: [Float], into bytes: UnsafeMutableRawBufferPointer) { copy(scalars, bytes) }
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> [Float] { Array(bytes.bindMemory(to: Float.self)) }
}

extension Double: HostScalar {
  public static var dtype: DType { .float32 }
  public static func encode(_ scalars: [Double], into bytes: UnsafeMutableRawBufferPointer) {
    Float.encode(scalars.map(Float.init), into: bytes)
  }
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> [Double] { Float.decode(bytes).map(Double.init) }
}

extension Int32: HostScalar {
  public static var dtype: DType { .int32 }
  public static func encode(_ scalars: [Int32], into bytes: UnsafeMutableRawBufferPointer) { copy(scalars, bytes) }
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> [Int32] { Array(bytes.bindMemory(to: Int32.self)) }
}

extension UInt8: HostScalar {
  public static var dtype: DType { .int32 }
  public static func encode(_ scalars: [UInt8], into bytes: UnsafeMutableRawBufferPointer) {
    Int32.encode(scalars.map(Int32.init), into: bytes)
  }
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    Int32.decode(bytes).map(UInt8.init(truncatingIfNeeded:))
  }
}

extension Int64: HostScalar {
  public static var dtype: DType { .int64 }
  public static func encode(_ scalars: [Int64], into bytes: UnsafeMutableRawBufferPointer) { copy(scalars, bytes) }
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> [Int64] { Array(bytes.bindMemory(to: Int64.self)) }
}

extension Int: HostScalar {
  public static var dtype: DType { .int64 }
  public static func encode(_ scalars: [Int], into bytes: UnsafeMutableRawBufferPointer) {
    Int64.encode(scalars.map(Int64.init), into: bytes)
  }
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> [Int] { Int64.decode(bytes).map(Int.init) }
}

extension Bool: HostScalar {
  public static var dtype: DType { .bool }
  public static func encode(_ scalars: [Bool], into bytes: UnsafeMutableRawBufferPointer) {
    for (index, scalar) in scalars.enumerated() { bytes[index] = scalar ? 1 : 0 }
  }
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> [Bool] { bytes.map { $0 != 0 } }
}
