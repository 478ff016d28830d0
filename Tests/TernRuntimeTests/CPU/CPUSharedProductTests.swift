// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Products of one left operand with several right ones.
@Suite struct CPUSharedProductTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let m, k: Int
    let columns: [Int]
    var dtype = DType.float32
    var a = ViewLayout.transposed
    var b = ViewLayout.dense
    var c = ViewLayout.dense
    var tolerance = 1e-4
    var testDescription: String { "\(dtype) \(m)x\(k)x\(columns), a \(a), b \(b), c \(c)" }
  }
  static let cases = [
    Case(m: 150, k: 1100, columns: [33, 70]),
    Case(m: 150, k: 1100, columns: [33, 0, 64, 1], a: .dense, b: .transposed),
    Case(m: 131, k: 1030, columns: [64, 31], b: .sliced, c: .sliced),
    Case(m: 131, k: 1030, columns: [40, 31], c: .transposed),
    Case(m: 120, k: 1000, columns: [1500, 700]),  // more columns than a block has
    Case(m: 120, k: 1000, columns: [2100, 20]),
    Case(m: 5, k: 7, columns: [3, 4]),
    Case(m: 5, k: 0, columns: [3, 4]),
    Case(m: 0, k: 4, columns: [3, 4]),
    Case(m: 20, k: 33, columns: [17, 9], dtype: .bfloat16, tolerance: 8e-3),
    Case(m: 20, k: 33, columns: [17], dtype: .float16, tolerance: 1e-3),
  ]

  @Test(arguments: cases) func eachIsTheProduct(_ test: Case) {
    let backends: [any Backend] = [1, 3].map { CPUBackend(threads: ThreadPool(threadCount: $0)) }
    let a = StridedView.random([1, test.m, test.k], test.a, dtype: test.dtype, seed: 1)
    let factors = test.columns.enumerated().map { index, n in
      StridedView.random([1, test.k, n], test.b, dtype: test.dtype, seed: 2 + index)
    }
    for backend in backends {
      let products = test.columns.map { test.c.view(test.dtype, [1, test.m, $0]) }
      backend.matmul(a, factors, into: products)
      for (b, c) in zip(factors, products) {
        let error = largestError(c.values, referenceMatmul(a, b, bias: nil, c.shape))
        #expect(error < test.tolerance, "\(c.shape[2]) columns: \(error)")
        let alone = test.c.view(test.dtype, c.shape)
        backend.matmul(a, b, Epilogue(), into: alone)
        #expect(alone.values == c.values, "\(c.shape[2]) columns differ from the product alone")
      }
    }
  }

  /// Rows read in place, against packed columns that stay near: more columns than a panel has, rows that no tile
  /// divides.
  @Test(arguments: [(64, 300, 97), (131, 2065, 120), (70, 256, 1024), (67, 1, 33)], [1, 3])
  func rowsInPlace(_ shape: (m: Int, k: Int, n: Int), threads: Int) {
    let backend = CPUBackend(threads: ThreadPool(threadCount: threads))
    let a = StridedView.random([1, shape.m, shape.k], seed: 1)
    let bias = StridedView.random([shape.n], seed: 3)
    for layout in [ViewLayout.dense, .transposed] {
      let b = StridedView.random([1, shape.k, shape.n], layout, seed: 2)
      let c = ViewLayout.dense.view(.float32, [1, shape.m, shape.n])
      backend.matmul(a, b, Epilogue(bias: bias), into: c)
      #expect(largestError(c.values, referenceMatmul(a, b, bias: bias, c.shape)) < 1e-4)
    }
  }
}
