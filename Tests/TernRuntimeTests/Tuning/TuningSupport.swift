// SPDX-License-Identifier: MIT
@testable import TernRuntime

extension DeviceIdentity {
  static let example = DeviceIdentity(name: "Some GPU (X/1)", platform: "Some", driver: "1.2", kernels: "abc")
}

extension ProblemClass {
  /// A square product.
  static func square(_ size: Int) -> ProblemClass {
    let operand = GemmClass.Operand(dtype: .float32, order: .rows)
    return .gemm(
      GemmClass(m: size, n: size, k: size, outer: 1, inner: 1, a: operand, b: operand, c: operand, bias: nil))
  }
}

extension ChoiceFile.Choice {
  init(_ problem: ProblemClass, _ algorithm: String, seconds: Double = 1) {
    self.init(
      problem: problem.description, algorithm: algorithm, defaultAlgorithm: "own", seconds: seconds, defaultSeconds: 2)
  }
}
