// SPDX-License-Identifier: MIT

/// The type of a tensor's elements.
///
/// `float16` and `bfloat16` are storage formats: every operation loads them into Float32, computes there and rounds
/// once when it stores. `bool` is one byte, 0 or 1.
public enum DType: UInt8, Sendable, Hashable, CaseIterable, Codable {
  case float32, float16, bfloat16, int32, int64, bool

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
