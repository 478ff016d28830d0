// SPDX-License-Identifier: MIT
import Foundation
import TestSupport

/// Checkpoints that the tool itself has written, made once for all tests.
enum Checkpoints {
  private static let directory = Result { try TemporaryDirectory() }

  static let logistic = Result { try train("logistic") }
  static let lenet5 = Result { try train("lenet5") }

  private static func train(_ model: String) throws -> String {
    let path = try directory.get().path + "/\(model).safetensors"
    let outcome = try Tool.run(["train", model, "--limit", "40", "--epochs", "1", "--checkpoint", path])
    guard outcome.status == 0 else { throw Failed(error: outcome.error) }
    return path
  }

  struct Failed: Error {
    let error: String
  }
}
