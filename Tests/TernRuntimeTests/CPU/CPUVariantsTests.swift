// SPDX-License-Identifier: MIT
import CTernCPU
import Testing

@testable import TernRuntime

/// Matrix product and convolution on every instruction set of this machine, and on one and several threads.
@Suite struct CPUVariantsTests {
  private var available: [tern_isa] {
    [TERN_ISA_BASELINE, TERN_ISA_AVX2, TERN_ISA_AVX512].filter { tern_isa_available($0) }
  }

  private func name(_ isa: tern_isa) -> String { String(cString: tern_isa_name(isa)) }

  @Test func matrixProductOnEveryInstructionSet() {
    for (m, k, n) in [(1, 9, 300), (3, 50, 3), (14, 31, 32), (37, 33, 65), (29, 40, 7), (130, 1030, 5)] {
      for layout in ViewLayout.allCases {
        let a = StridedView.random([1, m, k], layout, seed: 8)
        let b = StridedView.random([1, k, n], layout, seed: 9)
        let reference = referenceMatmul(a, b, bias: nil, [1, m, n])
        for isa in available {
          let c = ViewLayout.dense.view(.float32, [1, m, n])
          product(a, b, c, tern_gemm_functions_for(isa).pointee).run(ThreadPool(threadCount: 1))
          let error = largestError(c.values, reference)
          #expect(error < 1e-4, "\(name(isa)) \(m)x\(k)x\(n) \(layout): \(error)")
        }
      }
    }
  }

  @Test func convolutionOnEveryInstructionSet() {
    for test in ConvolutionCase.all {
      let g = test.geometry
      let x = StridedView.random(g.inputShape, seed: 1)
      let w = StridedView.random(g.weightShape, seed: 2)
      let dy = StridedView.random(g.outputShape, seed: 3)
      let expected = ConvolutionReference(g, x: x, w: w, dy: dy)
      for isa in available {
        let backend = CPUBackend(threads: ThreadPool(threadCount: 1), isa: isa)
        for pass in ConvolutionPass.allCases {
          let reference = [.forward: expected.y, .inputGradient: expected.dx][pass] ?? expected.dw
          for algorithm in ConvolutionAlgorithm.candidates(for: pass, g) {
            let error = algorithm.error(of: convolve(backend, pass, g, x, w, dy, algorithm), reference)
            #expect(error < 2e-5, "\(name(isa)), \(test.name): \(pass) by \(algorithm) off by \(error)")
          }
        }
      }
    }
  }

  @Test func threadsDoNotChangeABit() {
    let (one, three) = (ThreadPool(threadCount: 1), ThreadPool(threadCount: 3))
    let backends = [one, three].map { CPUBackend(threads: $0) }
    for (m, k, n) in [(130, 900, 40), (40, 1100, 70), (4, 3000, 180), (900, 128, 20)] {
      let a = StridedView.random([1, m, k], seed: 10)
      for layout in [ViewLayout.dense, .transposed] {
        let b = StridedView.random([1, k, n], layout, seed: 11)
        let results = [one, three].map { threads in
          let c = ViewLayout.dense.view(.float32, [1, m, n])
          product(a, b, c, tern_gemm().pointee).run(threads)
          return c.values
        }
        #expect(results[0] == results[1], "\(m)x\(k)x\(n), b \(layout)")
      }
    }
    for test in [
      ConvolutionCase("few channels", [9, 1, 28, 28], [6, 1, 5, 5], padding: (2, 2, 2, 2)),
      ConvolutionCase("many channels", [5, 33, 16, 16], [40, 33, 3, 3], stride: (2, 2), padding: (1, 1, 1, 1)),
      ConvolutionCase("one image", [1, 8, 60, 60], [8, 8, 3, 3], padding: (1, 1, 1, 1)),
      ConvolutionCase("depthwise", [9, 3, 40, 40], [3, 1, 5, 5], padding: (2, 2, 2, 2), groups: 3),
      ConvolutionCase("more filters than tiles", [1, 20, 4, 5], [70, 20, 3, 3], padding: (1, 1, 1, 1)),
      ConvolutionCase("many tiles", [7, 40, 32, 32], [40, 40, 3, 3], padding: (1, 1, 1, 1)),
    ] {
      let g = test.geometry
      let x = StridedView.random(g.inputShape, seed: 1)
      let w = StridedView.random(g.weightShape, seed: 2)
      let dy = StridedView.random(g.outputShape, seed: 3)
      for pass in ConvolutionPass.allCases {
        for algorithm in ConvolutionAlgorithm.candidates(for: pass, g) {
          let results = backends.map { convolve($0, pass, g, x, w, dy, algorithm) }
          #expect(results[0] == results[1], "\(test.name): \(pass) by \(algorithm)")
        }
      }
    }
  }

  private func product(
    _ a: StridedView, _ b: StridedView, _ c: StridedView, _ functions: tern_gemm_functions
  ) -> MatrixProduct {
    MatrixProduct(
      m: c.shape[1], n: c.shape[2], k: a.shape[2], a: a.matrix(row: 1, column: 2), b: b.matrix(row: 1, column: 2),
      c: c.floats, rowStep: c.shape[2], functions: functions)
  }

  private func convolve(
    _ backend: CPUBackend, _ pass: ConvolutionPass, _ g: ConvolutionGeometry, _ x: StridedView, _ w: StridedView,
    _ dy: StridedView, _ algorithm: ConvolutionAlgorithm
  ) -> [Float] {
    switch pass {
    case .forward:
      let y = ViewLayout.dense.view(.float32, g.outputShape)
      backend.convolution(g, x, w, Epilogue(), into: y, by: algorithm)
      return y.values
    case .inputGradient:
      let dx = ViewLayout.dense.view(.float32, g.inputShape)
      backend.convolutionInputGradient(g, dy, w, into: dx, by: algorithm)
      return dx.values
    case .weightGradient:
      let dw = ViewLayout.dense.view(.float32, g.weightShape)
      backend.convolutionWeightGradient(g, x, dy, into: dw, by: algorithm)
      return dw.values
    }
  }
}
