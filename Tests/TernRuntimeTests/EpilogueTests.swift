// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Activations that products apply before they store.
@Suite struct EpilogueTests {
  /// One case for each way through the kernels: rows in place and packed, vectors along k, few rows, several blocks of
  /// depth, parts of k, half types.
  private static let cases = [
    MatmulCase(m: 33, k: 31, n: 65, hasBias: true), MatmulCase(m: 33, k: 31, n: 65, b: .transposed, hasBias: true),
    MatmulCase(batch: 2, m: 3, k: 17, n: 5, b: .transposed), MatmulCase(m: 1, k: 40, n: 300, hasBias: true),
    MatmulCase(m: 200, k: 9, n: 7, c: .transposed, hasBias: true), MatmulCase(m: 150, k: 1030, n: 40, a: .transposed),
    MatmulCase(m: 4, k: 2100, n: 20, hasBias: true), MatmulCase(m: 5, k: 12, n: 40, c: .holes, hasBias: true),
    MatmulCase(m: 3, k: 0, n: 4, hasBias: true),
    MatmulCase(m: 9, k: 20, n: 33, dtype: .float16, b: .transposed, hasBias: true),
    MatmulCase(m: 9, k: 20, n: 33, dtype: .bfloat16, hasBias: true),
  ]

  @Test(arguments: Activation.allCases) func everyWayThroughTheKernels(_ activation: Activation) throws {
    for device in Device.all {
      for var test in Self.cases {
        test.activation = activation
        try test.check(device.backend, device.description)
      }
    }
  }

  @Test(arguments: [GemmAlgorithm.widePacked, .wideDot, .tiled64x64])
  func everyFamily(_ algorithm: GemmAlgorithm) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for activation in [Activation.relu, .gelu] {
        let test = MatmulCase(m: 65, k: 33, n: 50, b: .transposed, hasBias: true, activation: activation)
        try GemmAlgorithm.$forced.withValue(algorithm) { try test.check(backend, "\(algorithm)") }
      }
    }
  }

  @Test func integersHaveNoActivation() async {
    await #expect(processExitsWith: .failure) {
      try MatmulCase(m: 2, k: 2, n: 2, dtype: .int32, activation: .relu).check(Device.cpu.backend, "")
    }
  }
}
