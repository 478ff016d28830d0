// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import TernRuntime

/// `tern profile`, and the traces that it and `tern train` write.
@Suite struct ProfileTests {
  private let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private static let devices =
    ["cpu"]
    + OpenCLDevices.shared.found.indices.filter { !OpenCLDevices.shared.found[$0].isSimulator }.map { "opencl:\($0)" }

  private func events(_ path: String) throws -> [[String: Any]] {
    let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
    let events = try #require((object as? [String: Any])?["traceEvents"] as? [[String: Any]])
    return events.filter { $0["ph"] as? String == "X" }
  }

  @Test(arguments: devices) func profileAddsUp(_ device: String) throws {
    let path = directory.file("trace.json")
    let outcome = try Tool.run([
      "profile", "lenet5", "--device", device, "--steps", "3", "--warm-up", "2", "--batch-size", "4", "--json",
      "--trace", path,
    ])
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    func number(_ key: String, in object: [String: Any]) throws -> Double {
      try #require(object[key] as? Double, "\(key)")
    }
    let kernels = try #require(report["kernels"] as? [[String: Any]])
    #expect(report["device"] as? String == device && report["model"] as? String == "lenet5")
    #expect(try number("steps", in: report) == 3 && number("batch_size", in: report) == 4)
    #expect(try number("missing", in: report) == 0)
    let total = try number("total_milliseconds", in: report)
    let times = try kernels.map { try number("total_milliseconds", in: $0) }
    #expect(times == times.sorted(by: >) && abs(times.reduce(0, +) - total) < 1e-6 * total)
    #expect(try abs(kernels.map { try number("share", in: $0) }.reduce(0, +) - 1) < 1e-6)
    let launches = try kernels.filter { $0["kind"] as? String != "upload" }
      .map { try number("launches_per_step", in: $0) }.reduce(0, +)
    #expect(try abs(launches - number("launches_per_step", in: report)) < 1e-6 && launches > 20)
    let (elapsed, idle) = try (number("elapsed_milliseconds", in: report), number("idle_milliseconds", in: report))
    #expect(idle >= 0 && idle < elapsed && total <= (elapsed - idle) * 1.001)
    // The file has the same events, and a row of steps.
    let events = try events(path)
    #expect(
      events.filter { $0["cat"] as? String == "host" }.compactMap { $0["name"] as? String }
        == ["step 1", "step 2", "step 3"])
    let counted = events.filter { ["kernel", "library", "operation"].contains($0["cat"] as? String) }
      .map { ($0["args"] as? [String: Any])?["launches"] as? Int ?? 1 }.reduce(0, +)
    #expect(abs(Double(counted) / 3 - launches) < 1e-6)
  }

  @Test(arguments: ["logistic", "mlp", "mobilenet --batch-size 2 --image-size 8"])
  func tableHasARowForEachKernelAndASum(_ model: String) throws {
    let outcome = try Tool.run(
      ["profile"] + model.split(separator: " ").map(String.init) + ["--steps", "2", "--warm-up", "1"])
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("kernel ") == true && lines.first?.hasSuffix("mean us") == true)
    #expect(lines.contains { $0.hasPrefix("matmul ") } || model.hasPrefix("mobilenet"))
    #expect(outcome.output.contains("launches a step") && outcome.output.contains("idle"), "\(outcome.output)")
  }

  @Test(arguments: [
    ("profile", "model"), ("profile vgg", "vgg"), ("profile lenet5 --steps 0", "--steps must be at least 1"),
    ("profile lenet5 --warm-up=-1", "--warm-up must not be negative"),
    ("profile lenet5 --batch-size 0", "--batch-size must be at least 1"),
    ("profile lenet5 --image-size 32", "lenet5 takes images of 28 pixels only"),
    ("profile resnet18 --image-size 4", "--image-size must be at least 8"),
  ]) func mistakesShowTheUsage(_ line: String, _ says: String) throws {
    let outcome = try Tool.run(line.split(separator: " ").map(String.init))
    #expect(
      outcome.status == 64 && outcome.error.contains(says) && outcome.error.contains("Usage: tern"), "\(outcome.error)")
  }

  @Test(arguments: devices) func trainingWritesATraceWithItsSteps(_ device: String) throws {
    let path = directory.file("train.json")
    let arguments = ["train", "logistic", "--limit", "96", "--epochs", "2", "--device", device, "--json"]
    let traced = try Tool.run(arguments + ["--trace", path])
    #expect(traced.status == 0, "\(traced.error)")
    let names = try events(path).filter { $0["cat"] as? String == "host" }.compactMap { $0["name"] as? String }
    #expect(names.filter { $0.hasPrefix("step ") } == (1...6).map { "step \($0)" })
    #expect(names.filter { $0 == "batch" }.count == 8 && names.filter { $0 == "validation" }.count == 2)
    #expect(try events(path).contains { ["kernel", "operation"].contains($0["cat"] as? String) })
    // Watching changes no number.
    func losses(_ outcome: Tool.Outcome) throws -> [Double]? {
      (try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])?["train_loss"] as? [Double]
    }
    #expect(try losses(traced) == losses(Tool.run(arguments)))
  }

  @Test func unwritablePlacesAreNamedBeforeTheWork() throws {
    let file = try directory.write([1], "file")
    for place in [directory.path, directory.path + "/none/t.json", file + "/below.json", "/dev/full"] {
      for command in [["train", "logistic", "--limit", "40"], ["profile", "lenet5"]] {
        let outcome = try Tool.run(command + ["--trace", place])
        #expect(outcome.status == 1 && outcome.output.isEmpty && outcome.errorLines.count == 1, "\(outcome)")
        #expect(outcome.error.hasPrefix("tern: ") && outcome.error.contains(place), "\(outcome.error)")
      }
    }
  }

  @Test func fullPlacesLoseNothingButTheTrace() throws {
    let (path, checkpoint) = (directory.file("trace.json"), directory.file("c.safetensors"))
    // 1,000 steps make a trace of some megabytes, 1,024 blocks of 512 or 1,024 bytes hold everything else.
    let outcome = try Tool.run(
      [
        "train", "logistic", "--limit", "100", "--batch-size", "10", "--epochs", "100", "--json", "--checkpoint",
        checkpoint, "--trace", path,
      ], shell: "ulimit -f 1024")
    #expect(outcome.status == 1 && !outcome.crashed, "\(outcome)")
    #expect(outcome.output.contains("\"test_accuracy\""), "\(outcome.output)")
    let last = outcome.errorLines.last ?? ""
    #expect(last.hasPrefix("tern: ") && last.contains(path) && last.contains("File too large"), "\(outcome.error)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["c.safetensors"])
  }

  @Test func failedTrainingLeavesATrace() throws {
    let path = directory.file("trace.json")
    let outcome = try Tool.run(["train", "logistic", "--limit", "40", "--json-steps", "/dev/full", "--trace", path])
    #expect(outcome.status == 1 && outcome.errorLines.last?.contains("/dev/full") == true, "\(outcome.error)")
    #expect(try events(path).contains { $0["name"] as? String == "step 1" })
  }
}
