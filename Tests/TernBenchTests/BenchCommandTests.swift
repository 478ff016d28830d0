// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

/// `tern-bench` as a process: what it cannot do it says in one line, before it measures where that can be known.
@Suite struct BenchCommandTests {
  private static let quick = ["--device", "cpu", "--only", "sgemm_64x784x512", "--seconds", "0.001"]

  @Test(arguments: [
    (["--only", "nothing"], "no case's name contains 'nothing'"), (["--only", "conv,typo"], "'typo'"),
    (["--threads", "0"], "--threads must be from 1 to 1024, got 0"), (["--threads", "5000"], "got 5000"),
    (["--json", "a", "--html", "./a"], "name the same file"), (["--peers", "a"], "--html"),
  ]) func mistakesShowTheUsage(arguments: [String], says: String) throws {
    let outcome = try Tool.run(arguments, of: "tern-bench")
    #expect(outcome.status == 64 && !outcome.crashed && outcome.output.isEmpty, "\(outcome)")
    #expect(outcome.error.contains(says) && outcome.error.contains("Usage: tern-bench"), "\(outcome.error)")
  }

  @Test(arguments: [("TERN_ISA", "foo"), ("TERN_THREADS", "foo"), ("TERN_THREADS", "5000")])
  func settingsThatMeanNothingAreNamed(name: String, value: String) throws {
    try Tool.expectFailure(Self.quick, of: "tern-bench", says: [name, "'\(value)'"], environment: [name: value])
  }

  @Test func placesForThePageAreTriedFirst() throws {
    for (place, reason) in [("/nonexistent/x", "No such file or directory"), ("/dev/full", "not a regular file")] {
      try Tool.expectFailure(Self.quick + ["--html", place], of: "tern-bench", says: [place, reason])
    }
  }

  @Test func fullDiskUnderTheResultsIsNamed() throws {
    let outcome = try Tool.run(Self.quick + ["--json", "/dev/full"], of: "tern-bench")
    #expect(outcome.status == 1 && !outcome.crashed && outcome.output.isEmpty, "\(outcome)")
    #expect(
      outcome.errorLines.last
        == "tern-bench: cannot write /dev/full (No space left on device); free some space, or write to another disk")
    try Tool.expectFailure(
      ["--list"], of: "tern-bench", says: ["standard output", "No space left"], shell: "exec >/dev/full")
  }

  @Test func measuringNeedsNoStandardError() throws {
    let outcome = try Tool.run(Self.quick, of: "tern-bench", shell: "exec 2>/dev/full")
    #expect(outcome.status == 0 && !outcome.crashed && outcome.output.contains("sgemm_64x784x512"), "\(outcome)")
  }
}
