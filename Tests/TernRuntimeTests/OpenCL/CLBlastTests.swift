// SPDX-License-Identifier: MIT
import CCLBlast
import Testing

@testable import TernRuntime

/// Few and small: with a cold cache of kernels CLBlast takes many seconds to start on a CPU device.
@Suite(
  "CLBlast",
  .enabled(
    if: OpenCLSupport.isAvailable && tern_clblast_load() != nil, "skipped: no OpenCL device or no libclblast.so.1"),
  .serialized)
struct CLBlastTests {
  @Test func layoutsBatchesAndBias() throws {
    let backend = OpenCLSupport.devices[0].backend
    for (batch, a, b, c) in [
      (1, Layout.dense, Layout.dense, Layout.offset), (1, .transposed, .transposed, .transposed),
      (1, .holes, .dense, .dense),
      (3, .dense, .offset, .dense),
    ] {
      let (m, k, n) = (17, 9, 33)
      let (left, right) = (testNumbers(batch * m * k, seed: 1), testNumbers(batch * k * n, seed: 2))
      let added = testNumbers(n, seed: 3)
      let x = backend.view(left, [batch, m, k], .float32, a)
      let y = backend.view(right, [batch, k, n], .float32, b)
      for bias in [nil, backend.view(added, [n])] {
        let z = backend.view([Double](repeating: .nan, count: batch * m * n), [batch, m, n], .float32, c)
        let before = backend.statistics.launches
        GemmChoice.$forced.withValue(.clblast) { backend.matmul(x, y, bias: bias, into: z) }
        #expect(backend.statistics.launches > before)
        var expected = [Double](repeating: 0, count: batch * m * n)
        for index in expected.indices {
          let (item, i, j) = (index / (m * n), index / n % m, index % n)
          expected[index] = (0..<k).reduce(bias == nil ? 0 : added[j]) {
            $0 + left[(item * m + i) * k + $1] * right[(item * k + $1) * n + j]
          }
        }
        expectClose(
          try backend.values(z), expected, absolute: 1e-5, "batch \(batch) \(a) \(b) \(c), bias \(bias != nil)")
      }
    }
  }

  @Test func verificationComparesWithOurKernels() {
    for device in OpenCLSupport.devices {
      #expect(OpenCLSupport.backend(device).agreesWithCLBlast(size: 40))
    }
  }
}
