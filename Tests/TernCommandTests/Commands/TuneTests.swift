// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import TernRuntime

/// `tern tune` as a process, with worker processes of its own, and a cache directory for each test.
@Suite(
  .serialized,
  .enabled(
    if: !OpenCLDevices.shared.usable.isEmpty, "skipped: no OpenCL device here (install pocl-opencl-icd to have one)"))
struct TuneTests {
  private let cache: TemporaryDirectory
  init() throws { cache = try TemporaryDirectory() }

  private var environment: [String: String] {
    ["TERN_CACHE_DIRECTORY": cache.path, "TERN_DEVICE": "opencl:0", "TERN_TUNING": "on"]
  }
  private static let identity = (OpenCLDevices.shared.usable[0].backend as! OpenCLBackend).choices.identity!
  private var folder: String { cache.path + "/tuning" }

  private static func problem(_ size: Int) -> ProblemClass {
    let operand = GemmClass.Operand(dtype: .float32, order: .rows)
    return .gemm(
      GemmClass(m: size, n: size, k: size, outer: 1, inner: 1, a: operand, b: operand, c: operand, bias: nil))
  }

  /// Puts problems into the cache as if programs had met them.
  private func plant(_ sizes: [Int]) throws {
    _ = CacheDirectory.folder("tuning", in: cache.path)
    try ProblemFile.update(in: folder, for: Self.identity, patience: 10) { file in
      file.merge(sizes.map { (problem: Self.problem($0), count: 1_000_000) })
    }
  }

  private func tune(_ arguments: String..., fault: String = "") throws -> Tool.Outcome {
    try Tool.run(["tune"] + arguments, environment: environment.merging(["TERN_FAULT": fault]) { $1 })
  }

  private var choices: [ChoiceFile.Choice] { ChoiceFile.read(in: folder, for: Self.identity)?.choices ?? [] }

  @Test func programsRecordWhatTheyMetAndTuneMeasuresIt() throws {
    let nothing = try tune("--budget", "1")
    #expect(nothing.status == 0 && nothing.error.contains("No shapes have been recorded"))
    let trained = try Tool.run(
      ["train", "mlp", "--limit", "2000", "--epochs", "1", "--device", "opencl:0", "--json"], environment: environment)
    #expect(trained.status == 0, "\(trained.error)")
    let tuned = try tune("--budget", "0.5", "--json")
    #expect(tuned.status == 0, "\(tuned.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(tuned.output.utf8)) as? [String: Any])
    let results = try #require(report["results"] as? [[String: Any]])
    #expect(!results.isEmpty && choices.count == results.count)
    #expect(results.allSatisfy { ($0["problem"] as? String)?.hasPrefix("gemm m=") == true })
    #expect(report["path"] as? String == ChoiceFile.path(in: folder, for: Self.identity))
    // What stands by itself is not recorded, and neither is anything when it is turned off.
    let quiet = try TemporaryDirectory()
    let off = ["TERN_CACHE_DIRECTORY": quiet.path, "TERN_TUNING": "off", "TERN_PROGRAM_CACHE": "never"]
    _ = try Tool.run(
      ["train", "logistic", "--limit", "2000", "--epochs", "1", "--device", "opencl:0"],
      environment: environment.merging(off) { $1 })
    #expect(try FileManager.default.contentsOfDirectory(atPath: quiet.path).isEmpty)
  }

  @Test func resultsAreKeptAndNotMeasuredTwice() throws {
    try plant([33, 65])
    let first = try tune()
    #expect(first.status == 0, "\(first.error)")
    #expect(first.output.contains("gemm 65x65x65 nn") && first.output.contains("2 shapes measured"), "\(first.output)")
    #expect(choices.map(\.problem) == [Self.problem(33).description, Self.problem(65).description])
    #expect(try tune().output.contains("0 shapes measured"))
    #expect(try tune("--again").output.contains("2 shapes measured"))
  }

  @Test func damagedFileIsReplacedAfterOneWarning() throws {
    try plant([33])
    let path = ChoiceFile.path(in: folder, for: Self.identity)
    try Data("{\"choices\": [".utf8).write(to: URL(fileURLWithPath: path))
    let outcome = try tune()
    #expect(outcome.status == 0)
    #expect(outcome.errorLines.filter { $0.contains("damaged") }.count == 1, "\(outcome.error)")
    #expect(choices.count == 1)
  }

  @Test func twoTunersAtOneTimeLoseNothing() throws {
    try plant([31, 33, 63, 65])
    let children = try (0..<2).map { _ in try Tool.Child(["tune"], environment: environment) }
    for child in children { #expect(try child.wait().status == 0) }
    #expect(choices.count == 4)
  }

  @Test func killedTunerLeavesWhatItFound() throws {
    try plant([31, 33, 63, 65])
    let child = try Tool.Child(["tune"], environment: environment)
    while choices.isEmpty && child.isRunning { usleep(2_000) }
    child.kill()
    #expect(try child.wait().crashed)
    #expect(!choices.isEmpty)
    #expect(try tune().status == 0)
    #expect(choices.count == 4)
  }

  @Test func interruptKeepsWhatWasFoundAndReportsIt() throws {
    try plant([31, 33, 63, 65])
    let child = try Tool.Child(["tune", "--json"], environment: environment)
    while choices.isEmpty && child.isRunning { usleep(2_000) }
    child.interrupt()
    let outcome = try child.wait()
    let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    #expect(outcome.status == 130 && report?["is_interrupted"] as? Bool == true, "\(outcome.output)")
    #expect(!choices.isEmpty)
  }

  /// Faults strike every worker anew, so the call is one that only CLBlast's and the tiled kernel's turns reach.
  @Test(arguments: [("crash", "crashed: Segmentation fault"), ("hang", "hangs: no answer in 3 s"), ("-5", "CL_OUT_OF")])
  func driverThatFailsCostsTheCandidate(_ effect: String, _ reason: String) throws {
    try plant([33])
    // A driver may take seconds to start beside other tests, which only a short patience would blame on it.
    let patience = effect == "hang" ? "3" : "90"
    let outcome = try tune("--patience", patience, "--json", fault: "clEnqueueNDRangeKernel:9+:\(effect)")
    #expect(outcome.status == 0, "\(outcome.error)")
    let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    let rows = (report?["results"] as? [[String: Any]] ?? []) + (report?["skipped"] as? [[String: Any]] ?? [])
    let discarded = rows.flatMap { $0["discarded"] as? [[String: String]] ?? [] }
    #expect(discarded.contains { $0["reason"]!.contains(reason) }, "\(outcome.output)")
    #expect(outcome.error.contains("is discarded"), "\(outcome.error)")
  }

  @Test func workerWithoutADeviceIsAnErrorThatSaysSo() throws {
    let outcome = try tune("--device", "opencl:99")
    #expect(outcome.status == 1)
    #expect(outcome.errorLines.count == 1 && outcome.error.contains("no OpenCL device 99"), "\(outcome.error)")
  }

  @Test func uselessArgumentsAreRefused() throws {
    for arguments in [["--budget", "0"], ["--budget", "-3"], ["--budget", "soon"], ["--patience", "0"]] {
      #expect(try Tool.run(["tune"] + arguments, environment: environment).status == 64)
    }
    let nowhere = try Tool.run(["tune"], environment: environment.merging(["TERN_CACHE_DIRECTORY": "/proc/x"]) { $1 })
    #expect(nowhere.status == 1 && nowhere.error.contains("TERN_CACHE_DIRECTORY"), "\(nowhere.error)")
  }
}
