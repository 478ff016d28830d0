// SPDX-License-Identifier: MIT

/// The type of a tensor's elements.
///
/// `float16` and `bfloat16` are storage formats: every operation loads them into Float32, computes there and rounds
/// once when it stores. `bool` is one byte, 0 or 1.
public enum DType: UInt8, Sendable, Hashable, CaseIterable, Codable {
  /// IEEE 754 single precision: 24 bits of precision.
  case float32
  /// IEEE 754 half precision: 11 bits of precision, up to 65,504.
  case float16
  /// The upper half of a `float32`: 8 bits of precision, the same range.
  case bfloat16
  /// 32-bit integers in two's complement; arithmetic wraps.
  case int32
  /// 64-bit integers in two's complement; arithmetic wraps. Positions and indices have this type.
  case int64
  /// Truth values, the results of comparisons. They have no arithmetic.
  case bool

  /// Bytes that one element takes in memory.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .int64: 8
    case .bool: 1
    }
  }

  /// Whether values are real numbers; only these have gradients.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float16, .bfloat16: true
    case .int32, .int64, .bool: false
    }
  }
}

extension DType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .float32: "float32"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .int32: "int32"
    case .int64: "int64"
    case .bool: "bool"
    }
  }
}
