// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

/// Training states that no run has written: each is refused with the number that is impossible.
@Suite struct TrainingStateTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func train(_ epochs: Int, resume: String? = nil) throws {
    var optimizer = Adam(learningRate: 0.01)
    _ = try fit(
      withDevice(.cpu) { Linear(5, 3) }, train: clusterBatches(), epochs: epochs, optimizer: &optimizer,
      checkpoint: folder.file("run"), resume: resume, progress: .none)
  }

  /// The object with the value at a path of keys replaced, or removed.
  private func replaced(_ object: Any, _ keys: ArraySlice<Substring>, by value: Any?) throws -> Any {
    guard let key = keys.first.map(String.init) else { return try #require(value) }
    var fields = try #require(object as? [String: Any])
    if keys.count == 1 {
      fields[key] = value
    } else {
      fields[key] = try replaced(try #require(fields[key]), keys.dropFirst(), by: value)
    }
    return fields
  }

  private static let greatest = "9223372036854775807"

  @Test(arguments: [
    ("step", greatest), ("step", "-5"), ("step", "1000"), ("epoch", greatest), ("epoch", "-3"), ("epoch", "1"),
    ("position.epoch", greatest), ("position.epoch", "-1"), ("position.batch", "-1"), ("total.samples", greatest),
    ("total.samples", "-1"), ("total.batches", greatest), ("total.batches", "-1"), ("total.lossSum", #""nan""#),
    ("total.seconds", "-1"), ("total.seconds", #""inf""#), ("parameterSteps.weight", greatest),
    ("parameterSteps.weight", "-3"), ("parameterSteps.weight", nil), ("parameterSteps.other", "1"),
    ("history.epochs", "[]"), ("history.steps", "1"), ("history.steps", nil), ("generators", nil), ("step", "[]"),
  ]) func impossibleStatesAreNamed(path: String, value: String?) throws {
    try train(2)
    let file = try SafetensorsFile(path: folder.file("run"))
    let key = TrainingState.metadataKey
    let state = try JSONSerialization.jsonObject(with: Data(try #require(file.metadata[key]).utf8))
    let wrong = try value.map { try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed) }
    let json = try JSONSerialization.data(withJSONObject: replaced(state, path.split(separator: ".")[...], by: wrong))
    try writeSafetensors(
      file.names.map { ($0, try file.tensor($0, on: .cpu)) }, metadata: [key: String(decoding: json, as: UTF8.self)],
      to: folder.file("damaged"))
    let field = path == "history.epochs" ? "epoch" : String(path.split(separator: ".").last!)
    expectError(.format, folder.file("damaged"), field, "the file is damaged") {
      try train(3, resume: folder.file("damaged"))
    }
  }

  @Test func anOptimizerUsedBeforeResumes() throws {
    // Its count of updates is ahead of the run's steps, and the data's position ahead of the run's epochs.
    let (model, source) = (withDevice(.cpu) { Linear(5, 3) }, clusterBatches())
    var optimizer = Adam(learningRate: 0.01)
    for _ in 0..<2 {
      _ = try fit(
        model, train: source, epochs: 2, optimizer: &optimizer, checkpoint: folder.file("run"), progress: .none)
    }
    #expect(source.position.epoch == 4)
    try train(3, resume: folder.file("run"))
  }
}
