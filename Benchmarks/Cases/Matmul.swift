// SPDX-License-Identifier: MIT
import Tern

extension Case {
  /// `[m, k] · [k, n]`: squares, and the two shapes of a small dense layer.
  static let matmulCases: [Case] = [
    (256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (64, 784, 512), (512, 64, 784),
  ].map { m, k, n in
    let operations = 2.0 * Double(m) * Double(n) * Double(k) / 1e9
    return Case(
      name: "sgemm_\(m)x\(k)x\(n)", family: .matmul, work: operations, unit: "GFLOP/s", operations: operations
    ) { device in
      let a = Tensor.randomNormal([m, k], on: device).evaluated()
      let b = Tensor.randomNormal([k, n], on: device).evaluated()
      return { matmul(a, b).evaluated() }
    }
  }
}
