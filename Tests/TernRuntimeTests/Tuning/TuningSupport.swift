// SPDX-License-Identifier: MIT
import Foundation

@testable import TernRuntime

/// A folder that is gone with the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "tern-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}

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
