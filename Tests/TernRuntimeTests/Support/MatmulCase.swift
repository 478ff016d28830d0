// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

/// One product: sizes, dtype, layouts, what is shared, added or applied.
struct MatmulCase: Sendable {
  var batch = 1
  let m, k, n: Int
  var dtype = DType.float32
  var a = Layout.dense
  var b = Layout.dense
  var c = Layout.offset
  var hasBias = false
  var sharesB = false
  var activation = Activation.none

  /// Multiplies numbers of mixed signs below 2.
  ///
  /// - Returns: the result, and what it should be, computed in float64.
  func run(_ backend: any Backend) throws -> (values: [Double], expected: [Double]) {
    let range = dtype.isFloatingPoint ? -2.0...2.0 : -50.0...50.0
    func numbers(_ count: Int, _ seed: UInt64) -> [Double] {
      let values = testNumbers(count, seed: seed, range)
      return dtype.rounded(dtype.isFloatingPoint ? values : values.map { $0.rounded() })
    }
    let matrices = sharesB ? 1 : batch
    let (left, right, added) = (numbers(batch * m * k, 1), numbers(matrices * k * n, 2), numbers(n, 3))
    let x = backend.view(left, [batch, m, k], dtype, a)
    let single = backend.view(right, [matrices, k, n], dtype, b)
    let y = single.viewed(
      shape: [batch, k, n], strides: [sharesB ? 0 : single.strides[0], single.strides[1], single.strides[2]])
    let bias = hasBias ? backend.view(added, [n], dtype, .holes) : nil
    let z = backend.view(
      [Double](repeating: .nan, count: batch * m * n).map { dtype.isFloatingPoint ? $0 : -7 }, [batch, m, n], dtype, c)
    backend.matmul(x, y, Epilogue(bias: bias, activation: activation), into: z)
    var expected = [Double](repeating: 0, count: batch * m * n)
    for item in 0..<batch {
      for i in 0..<m {
        for j in 0..<n {
          var sum = hasBias ? added[j] : 0
          for p in 0..<k { sum += left[(item * m + i) * k + p] * right[((sharesB ? 0 : item) * k + p) * n + j] }
          expected[(item * m + i) * n + j] = activation.reference(sum)
        }
      }
    }
    return (try backend.values(z), expected)
  }

  func check(_ backend: any Backend, _ context: String) throws {
    let (values, expected) = try run(backend)
    // The terms are below 4 and their signs are mixed; no activation has a slope above 1.2.
    let accumulated = dtype.isFloatingPoint ? 5e-7 * (Double(k) + 4) : 0
    expectClose(values, expected, relative: 2 * dtype.roundoff, absolute: accumulated, "\(context) \(self)")
  }
}

extension Activation {
  /// In float64, from the definitions.
  func reference(_ x: Double) -> Double {
    switch self {
    case .none: x
    case .relu: max(x, 0)
    case .tanh: Foundation.tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case .geluTanh: x * 0.5 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x / (1 + exp(-x))
    }
  }
}
