// SPDX-License-Identifier: MIT
import Foundation
import TernData
import TestSupport
import Testing

@Suite struct TrainTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func json(_ outcome: Tool.Outcome) throws -> [String: Any] {
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.output.split(separator: "\n").count == 1)
    return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: directory.path + "/" + name, encoding: .utf8)
  }

  @Test func jsonIsOneObjectThatEvalAndPredictConfirm() throws {
    try directory.writeDataset()
    let checkpoint = directory.path + "/model.safetensors"
    let outcome = try Tool.run([
      "train", "lenet5", "--data", directory.path, "--epochs", "2", "--batch-size", "7", "--checkpoint", checkpoint,
      "--json",
    ])
    let report = try json(outcome)
    #expect(
      Set(report.keys) == [
        "model", "device", "epochs", "train_loss", "test_accuracy", "samples_per_second", "peak_memory_bytes",
        "cpu_fallbacks",
      ])
    #expect(report["model"] as? String == "lenet5" && report["device"] as? String == "cpu")
    #expect(report["epochs"] as? Int == 2 && (report["train_loss"] as? [Double])?.count == 2)
    #expect(report["cpu_fallbacks"] as? Int == 0)
    #expect((report["samples_per_second"] as? Double ?? 0) > 0 && (report["peak_memory_bytes"] as? Int ?? 0) > 1 << 20)
    #expect(outcome.error.contains("epoch 2/2"))

    let measured = try json(Tool.run(["eval", "--checkpoint", checkpoint, "--data", directory.path, "--json"]))
    #expect(measured["test_accuracy"] as? Double == report["test_accuracy"] as? Double)
    #expect(measured["samples"] as? Int == 20 && measured["model"] as? String == "lenet5")

    let digit = ImageDataset.digits(count: 1, split: .test)
    let image = try directory.write(Array("P5 28 28 255\n".utf8) + digit.pixels, "zero.pgm")
    let prediction = try json(Tool.run(["predict", "--checkpoint", checkpoint, image, "--json"]))
    let probabilities = try #require(prediction["probabilities"] as? [Double])
    #expect(probabilities.count == 10 && abs(probabilities.reduce(0, +) - 1) < 1e-5)
    #expect(prediction["label"] as? Int == probabilities.indices.max { probabilities[$0] < probabilities[$1] })
  }

  @Test func halfNetworksAreMeasuredAsTheyWereTrained() throws {
    let checkpoint = directory.path + "/model.safetensors"
    let report = try json(
      Tool.run([
        "train", "logistic", "--limit", "600", "--epochs", "4", "--precision", "bfloat16", "--checkpoint", checkpoint,
        "--json",
      ]))
    #expect(report["model"] as? String == "logistic-bfloat16" && (report["test_accuracy"] as? Double ?? 0) > 0.6)
    let measured = try json(Tool.run(["eval", "--checkpoint", checkpoint, "--limit", "600", "--json"]))
    #expect(measured["test_accuracy"] as? Double == report["test_accuracy"] as? Double)
    let resumed = try Tool.run(["train", "logistic", "--limit", "600", "--resume", checkpoint])
    #expect(resumed.status == 1 && resumed.error.contains("use --precision bfloat16"), "\(resumed.error)")
  }

  @Test func learnsTheDigits() throws {
    let report = try json(Tool.run(["train", "logistic", "--limit", "600", "--epochs", "4", "--json"]))
    let losses = try #require(report["train_loss"] as? [Double])
    #expect(losses[3] < losses[0] / 2)
    #expect((report["test_accuracy"] as? Double ?? 0) > 0.6)
  }

  @Test func equalSeedsTakeEqualStepsWithAnyNumberOfThreads() throws {
    func run(_ name: String, seed: Int, threads: Int) throws -> String {
      let outcome = try Tool.run(
        [
          "train", "lenet5", "--limit", "100", "--epochs", "1", "--seed", "\(seed)", "--json-steps",
          directory.path + "/" + name,
        ], environment: ["TERN_THREADS": "\(threads)"])
      #expect(outcome.status == 0, "\(outcome.error)")
      return try text(name)
    }
    let first = try run("a", seed: 1, threads: 1)
    #expect(first.split(separator: "\n").count == 4)
    for line in first.split(separator: "\n") { #expect(Float(line).map { "\($0)" } == String(line)) }
    #expect(try run("b", seed: 1, threads: 2) == first)
    #expect(try run("c", seed: 2, threads: 2) != first)
  }

  @Test(arguments: ["float32", "float16"])
  func resumedRunsTakeTheStepsOfUninterruptedOnes(_ precision: String) throws {
    func train(_ name: String, epochs: Int, _ more: [String] = []) throws {
      let outcome = try Tool.run(
        [
          "train", "mlp", "--limit", "80", "--epochs", "\(epochs)", "--json-steps", "\(directory.path)/\(name).steps",
          "--precision", precision,
        ] + more)
      #expect(outcome.status == 0, "\(outcome.error)")
    }
    let whole = directory.path + "/whole", parts = directory.path + "/parts"
    try train("whole", epochs: 3, ["--checkpoint", whole])
    try train("parts", epochs: 1, ["--checkpoint", parts])
    try train("parts", epochs: 3, ["--resume", parts])
    #expect(try text("whole.steps").split(separator: "\n").count == 9)
    #expect(try text("parts.steps") == text("whole.steps"))
  }

  @Test func interruptsLeaveACheckpointToGoOnFrom() throws {
    let checkpoint = directory.path + "/model", steps = directory.path + "/steps"
    let arguments = ["train", "logistic", "--limit", "200", "--json-steps", steps]
    let child = try Tool.Child(arguments + ["--epochs", "1000000", "--checkpoint", checkpoint])
    // The first loss is on disk as soon as it is known; until then there may be no file.
    while child.isRunning, (try? String(contentsOfFile: steps, encoding: .utf8))?.isEmpty ?? true { usleep(20_000) }
    child.interrupt()
    let outcome = try child.wait()
    #expect(outcome.status == 130 && !outcome.crashed && outcome.output.isEmpty)
    #expect(outcome.errorLines.last?.contains("--resume \(checkpoint)") == true, "\(outcome.error)")
    let done = try text("steps").split(separator: "\n").count
    let epochs = done / 7 + 1  // 200 images are 7 steps
    let resumed = try Tool.run(arguments + ["--epochs", "\(epochs)", "--resume", checkpoint])
    #expect(resumed.status == 0, "\(resumed.error)")
    let whole = directory.path + "/whole"
    #expect(try Tool.run(Array(arguments.dropLast()) + [whole, "--epochs", "\(epochs)"]).status == 0)
    #expect(try text("steps") == text("whole"))
  }

  @Test func valuesThatBlowUpNameStepAndParameter() throws {
    let outcome = try Tool.run(["train", "mlp", "--limit", "100", "--optimizer", "sgd", "--learning-rate", "1e30"])
    #expect(outcome.status == 1 && !outcome.crashed)
    let last = outcome.errorLines.last ?? ""
    #expect(last.hasPrefix("tern: ") && last.contains("step") && last.contains("layers."), "\(outcome.error)")
  }
}
