// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern

/// What weights and activations are stored in.
enum Precision: String, CaseIterable, ExpressibleByArgument {
  case float32, float16, bfloat16

  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

  var dtype: DType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }
}
