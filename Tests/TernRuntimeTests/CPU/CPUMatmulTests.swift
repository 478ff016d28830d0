// SPDX-License-Identifier: MIT
import TernRuntime
import Testing

/// `c[b] = a[b] · b[b] + bias` in float64.
func referenceMatmul(_ a: StridedView, _ b: StridedView, bias: StridedView?, _ shape: [Int]) -> [Double] {
  let (count, m, n, k) = (shape[0], shape[1], shape[2], a.shape[2])
  let (left, right, addend) = (a.values, b.values, bias?.values)
  var sums = [Double](repeating: 0, count: count * m * n)
  left.withUnsafeBufferPointer { left in
    right.withUnsafeBufferPointer { right in
      for item in 0..<count {
        for i in 0..<m {
          for j in 0..<n {
            var sum = addend.map { Double($0[j]) } ?? 0
            for p in 0..<k { sum += Double(left[(item * m + i) * k + p]) * Double(right[(item * k + p) * n + j]) }
            sums[(item * m + i) * n + j] = sum
          }
        }
      }
    }
  }
  return sums
}

@Suite struct CPUMatmulTests {
  let backend = Device.cpu.backend

  private func check(
    _ shape: (Int, Int, Int, Int), _ dtype: DType = .float32, a layoutA: ViewLayout = .dense,
    b layoutB: ViewLayout = .dense,
    c layoutC: ViewLayout = .dense, bias hasBias: Bool = false, tolerance: Double = 1e-5
  ) {
    let (count, m, k, n) = shape
    let a = StridedView.random([count, m, k], layoutA, dtype: dtype, seed: 1)
    let b = StridedView.random([count, k, n], layoutB, dtype: dtype, seed: 2)
    let bias = hasBias ? StridedView.random([n], .sliced, dtype: dtype, seed: 3) : nil
    let c = layoutC.view(dtype, [count, m, n])
    backend.matmul(a, b, bias: bias, into: c)
    let error = largestError(c.values, referenceMatmul(a, b, bias: bias, c.shape))
    #expect(error < tolerance, "\(dtype) \(shape) a \(layoutA) b \(layoutB) c \(layoutC) bias \(hasBias): \(error)")
  }

  @Test func sizesAroundTheTiles() {
    for m in [1, 2, 5, 13, 14, 15, 33] {
      for n in [1, 3, 16, 31, 32, 33, 65] {
        for k in [1, 7, 33] { check((1, m, k, n), bias: (m + n + k) % 2 == 0) }
      }
    }
  }

  @Test func everyLayoutOfEveryOperand() {
    for a in ViewLayout.allCases {
      for b in ViewLayout.allCases {
        for c in ViewLayout.allCases {
          check((2, 9, 17, 35), a: a, b: b, c: c, bias: true)
          check((1, 33, 8, 1), a: a, b: b, c: c, bias: true)
          check((1, 1, 40, 33), a: a, b: b, c: c, bias: true)
          check((1, 3, 65, 4), a: a, b: b, c: c)
        }
      }
    }
  }

  @Test func severalBlocksOfDepthAndRows() {
    check((1, 15, 2065, 33), bias: true, tolerance: 1e-4)
    check((1, 113, 1031, 18), a: .transposed, b: .transposed, bias: true, tolerance: 1e-4)
    check((1, 5, 1500, 3), b: .transposed, tolerance: 1e-4)
    check((1, 20, 1100, 8), bias: true, tolerance: 1e-4)
  }

  @Test func emptySumsGiveTheBias() {
    check((1, 3, 0, 5), bias: true)
    check((2, 3, 0, 5))
    check((1, 0, 4, 5), bias: true)
    check((0, 2, 4, 5))
  }

  @Test func halfTypesAreRoundedOnce() {
    for layout in ViewLayout.allCases {
      check((2, 15, 33, 17), .float16, a: layout, b: .transposed, c: layout, bias: true, tolerance: 1e-3)
      check((2, 15, 33, 17), .bfloat16, a: .transposed, b: layout, c: layout, bias: true, tolerance: 8e-3)
    }
  }

  @Test func integersAreExactAndWrap() {
    for dtype in [DType.int32, .int64] {
      let a = ViewLayout.transposed.view(dtype, [2, 3, 4])
      let b = ViewLayout.sliced.view(dtype, [2, 4, 5])
      let bias = ViewLayout.sliced.view(dtype, [5])
      let c = ViewLayout.transposed.view(dtype, [2, 3, 5])
      a.set((0..<24).map { Float($0 - 11) })
      b.set((0..<40).map { Float(7 - $0) })
      bias.set([100, -200, 300, 0, 5])
      backend.matmul(a, b, bias: bias, into: c)
      #expect(c.values.map(Double.init) == referenceMatmul(a, b, bias: bias, c.shape))
    }
    let factor = ViewLayout.dense.view(.int32, [1, 1, 1])
    let product = ViewLayout.dense.view(.int32, [1, 1, 1])
    factor.set([65536])
    backend.matmul(factor, factor, bias: nil, into: product)
    #expect(product.values == [0])
  }

  @Test func oneMatrixSharedByTheBatch() {
    for (m, layout) in [(3, ViewLayout.dense), (3, .transposed), (1, .dense), (1, .sliced)] {
      let a = StridedView.random([4, m, 6], layout, seed: 4)
      let single = StridedView.random([1, 6, 7], seed: 5)
      let b = single.viewed(shape: [4, 6, 7], strides: [0, 7, 1])
      let c = ViewLayout.sliced.view(.float32, [4, m, 7])
      backend.matmul(a, b, bias: nil, into: c)
      #expect(largestError(c.values, referenceMatmul(a, b, bias: nil, c.shape)) < 1e-5)
    }
  }

  @Test func numbersRepeatedAlongTheSum() {
    for (m, n) in [(1, 7), (3, 5), (40, 33), (7, 1)] {
      let a = StridedView.random([1, m, 1], seed: 8).viewed(shape: [1, m, 20], strides: [0, 1, 0])
      let b = StridedView.random([1, 20, n], seed: 9)
      let constant = StridedView.random([1, 1, n], seed: 10).viewed(shape: [1, 20, n], strides: [0, 0, 1])
      for b in [b, constant] {
        let c = ViewLayout.dense.view(.float32, [1, m, n])
        backend.matmul(a, b, bias: nil, into: c)
        #expect(largestError(c.values, referenceMatmul(a, b, bias: nil, c.shape)) < 1e-5)
      }
    }
  }

  @Test func broadcastRowsAndColumns() {
    let row = StridedView.random([1, 1, 20], seed: 6).viewed(shape: [1, 5, 20], strides: [0, 0, 1])
    let column = StridedView.random([1, 20, 1], seed: 7).viewed(shape: [1, 20, 6], strides: [0, 1, 0])
    let c = ViewLayout.dense.view(.float32, [1, 5, 6])
    backend.matmul(row, column, bias: nil, into: c)
    #expect(largestError(c.values, referenceMatmul(row, column, bias: nil, c.shape)) < 1e-5)
  }
}
