// SPDX-License-Identifier: MIT
import CTernCPU
import Testing

@testable import TernRuntime

/// Products whose left operand is packed for several right ones, or not at all.
@Suite struct CPUSharedProductTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let m, k: Int
    let columns: [Int]
    var dtype = DType.float32
    var a = ViewLayout.transposed
    var b = ViewLayout.dense
    var c = ViewLayout.dense
    /// Columns of memory between the results' rows.
    var gap = 0
    /// Whether the left operand is packed once, as far as AVX-512's tiles are concerned.
    let isShared: Bool
    var tolerance = 1e-4
    var testDescription: String { "\(dtype) \(m)x\(k)x\(columns), a \(a), b \(b), c \(c), \(gap) apart" }
  }
  static let cases = [
    Case(m: 150, k: 1100, columns: [33, 70], isShared: true),
    Case(m: 150, k: 1100, columns: [600, 333], isShared: true),  // three threads cut columns inside both
    Case(m: 131, k: 1030, columns: [64, 31, 256], b: .sliced, gap: 5, isShared: true),
    Case(m: 150, k: 1100, columns: [64, 0, 33], isShared: false),
    Case(m: 150, k: 1100, columns: [1, 64], isShared: false),
    Case(m: 150, k: 1100, columns: [33, 64], a: .dense, b: .transposed, isShared: false),
    Case(m: 131, k: 1030, columns: [64, 31], c: .sliced, isShared: false),
    Case(m: 131, k: 1030, columns: [40, 31], c: .transposed, isShared: false),
    Case(m: 120, k: 1000, columns: [1500, 700], isShared: false),  // more columns than a block has
    Case(m: 5, k: 7, columns: [3, 4], isShared: false),
    Case(m: 5, k: 0, columns: [3, 4], isShared: false),
    Case(m: 0, k: 4, columns: [3, 4], isShared: false),
    Case(m: 20, k: 33, columns: [17, 9], dtype: .bfloat16, isShared: false, tolerance: 8e-3),
    Case(m: 20, k: 33, columns: [17], dtype: .float16, isShared: false, tolerance: 1e-3),
  ]

  @Test(arguments: cases) func eachIsTheProduct(_ test: Case) {
    func target(_ n: Int) -> StridedView {
      let view = test.c.view(test.dtype, [1, test.m, n + test.gap])
      return test.gap == 0 ? view : view.viewed(shape: [1, test.m, n], strides: view.strides, offset: 0)
    }
    let a = StridedView.random([1, test.m, test.k], test.a, dtype: test.dtype, seed: 1)
    let factors = test.columns.enumerated().map { index, n in
      StridedView.random([1, test.k, n], test.b, dtype: test.dtype, seed: 2 + index)
    }
    for backend in [1, 3].map({ CPUBackend(threads: ThreadPool(threadCount: $0)) }) {
      let products = test.columns.map(target)
      let launches = backend.statistics.launches
      backend.matmul(a, factors, into: products)
      if test.isShared { #expect(backend.statistics.launches - launches == 1) }
      for (b, c) in zip(factors, products) {
        let error = largestError(c.values, referenceMatmul(a, b, bias: nil, c.shape))
        #expect(error < test.tolerance, "\(c.shape[2]) columns: \(error)")
        let alone = target(c.shape[2])
        backend.matmul(a, b, Epilogue(), into: alone)
        #expect(alone.values == c.values, "\(c.shape[2]) columns differ from the product alone")
      }
    }
  }

  /// Rows read in place, against packed columns that stay near: more columns than a panel has, rows that no tile
  /// divides, few rows for many threads.
  @Test(arguments: [(m: 131, k: 300, n: 97), (m: 139, k: 2065, n: 120), (m: 150, k: 256, n: 1024)], [1, 3])
  func rowsInPlace(_ shape: (m: Int, k: Int, n: Int), threads: Int) {
    let (m, k, n) = shape
    let a = StridedView.random([1, m, k], seed: 1)
    let bias = StridedView.random([n], seed: 3)
    for layout in [ViewLayout.dense, .transposed] {
      let b = StridedView.random([1, k, n], layout, seed: 2)
      let reference = referenceMatmul(a, b, bias: bias, [1, m, n])
      for isa in [TERN_ISA_BASELINE, TERN_ISA_AVX2, TERN_ISA_AVX512] where tern_isa_available(isa) {
        let c = ViewLayout.dense.view(.float32, [1, m, n])
        var product = MatrixProduct(
          m: m, n: n, k: k, a: a.matrix(row: 1, column: 2), b: b.matrix(row: 1, column: 2), c: c.floats, rowStep: n,
          functions: tern_gemm_functions_for(isa).pointee)
        product.columnBias = UnsafePointer(bias.floats)
        #expect(product.algorithm == .rowMajor)
        product.run(ThreadPool(threadCount: threads))
        #expect(largestError(c.values, reference) < 1e-4)
      }
    }
  }
}
