// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

/// The product on tensor cores: by their own instructions on NVIDIA, emulated elsewhere.
@Suite("Tensor cores", .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct TensorGemmTests {
  private static let cases = [
    MatmulCase(m: 33, k: 31, n: 65, hasBias: true), MatmulCase(batch: 2, m: 130, k: 20, n: 36, b: .transposed),
    MatmulCase(m: 36, k: 40, n: 132, a: .transposed, c: .transposed, hasBias: true, activation: .relu),
    MatmulCase(m: 8, k: 1100, n: 12),
  ]

  @Test(arguments: [GemmAlgorithm.tensorTF32, .tensor3xTF32])
  func errorsStayInTheirBounds(_ algorithm: GemmAlgorithm) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for test in Self.cases {
        let (values, expected) = try GemmAlgorithm.$forced.withValue(algorithm) { try test.run(backend) }
        // Factors are below 2 and errors have both signs: sqrt(k) * 4 * 2^-11 with room, against Float32's bound.
        let bound = algorithm == .tensorTF32 ? 6e-3 * sqrt(Double(test.k)) : 1e-6 * (Double(test.k) + 4)
        let worst = zip(values, expected).map { abs($0 - $1) }.max()!
        #expect(worst <= bound, "\(algorithm) \(test): \(worst)")
        if algorithm == .tensorTF32 { #expect(worst > 1e-5, "\(test): TF32 leaves a trace") }
      }
    }
  }

  @Test func halfTypesLoseNothing() throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for dtype in [DType.float16, .bfloat16] {
        let test = MatmulCase(m: 17, k: 40, n: 33, dtype: dtype, b: .transposed, hasBias: true)
        try GemmAlgorithm.$forced.withValue(.tensorTF32) { try test.check(backend, "tensor cores") }
      }
    }
  }

  @Test func probeAcceptsWhatIsRight() throws {
    for device in OpenCLSupport.devices where !OpenCLSupport.backend(device).info.isSimulator {
      for algorithm in [GemmAlgorithm.tensorTF32, .tensor3xTF32] {
        #expect(TensorCores.check(algorithm, on: OpenCLSupport.backend(device)))
      }
    }
  }

  @Test func precisionChoosesOnNVIDIAOnly() throws {
    #expect(MatmulPrecision.current == .highest)
    for device in OpenCLSupport.devices {
      let backend = OpenCLSupport.backend(device)
      let operand = GemmOperand(storage: backend.scratch(64), dtype: .float32, row: 8, column: 1)
      let problem = GemmProblem(m: 8, n: 8, k: 8, a: operand, b: operand, c: operand)
      #expect(TensorCores.wanted(for: problem) == nil)
      withMatmulPrecision(.high) { #expect(TensorCores.wanted(for: problem) == .tensor3xTF32) }
      try withMatmulPrecision(.medium) {
        #expect(TensorCores.wanted(for: problem) == .tensorTF32)
        guard !backend.info.isNVIDIA else { return }
        #expect(backend.tensorCores.algorithm(for: problem, on: backend) == nil)
        try MatmulCase(m: 20, k: 30, n: 40).check(backend, "Float32 all the same")
      }
    }
  }
}
