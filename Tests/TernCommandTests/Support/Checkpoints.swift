// SPDX-License-Identifier: MIT
import Tern
import TernNN
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

  /// Copies a checkpoint with its tensors, or the text of its training state, changed on the way.
  static func rewrite(
    _ path: String, to copy: String, tensors change: (String, Tensor) -> Tensor = { $1 },
    state edit: (String) -> String = { $0 }
  ) throws {
    let file = try SafetensorsFile(path: path)
    var metadata = file.metadata
    metadata["tern.training"] = metadata["tern.training"].map(edit)
    try writeSafetensors(
      file.names.map { ($0, change($0, try file.tensor($0, on: .cpu))) }, metadata: metadata, to: copy)
  }

  struct Failed: Error {
    let error: String
  }
}
