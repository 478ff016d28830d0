// SPDX-License-Identifier: MIT
import Foundation
import TernNN
import TestSupport
import Testing

/// Standard streams that are full, closed, or that nobody reads.
@Suite struct StreamTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: ["2>/dev/full", "2>&-", "<&- 2>&-", "3<>'%' 2>'%' 3>&-"])
  func trainingNeedsNoStandardError(redirection: String) throws {
    let pipe = directory.file("pipe"), checkpoint = directory.file("f.st")
    try #require(mkfifo(pipe, 0o600) == 0)
    let outcome = try Tool.run(
      ["train", "logistic", "--limit", "64", "--epochs", "2", "--checkpoint", checkpoint, "--json"],
      shell: "exec " + redirection.replacingOccurrences(of: "%", with: pipe))
    #expect(outcome.status == 0 && !outcome.crashed, "\(outcome)")
    #expect(outcome.output.hasPrefix("{") && outcome.error.isEmpty)
    #expect(try SafetensorsFile(path: checkpoint).metadata["tern.training"] != nil)
    #expect(directory.contents == ["f.st", "pipe"])
  }

  @Test(arguments: [
    "train logistic --limit 40 --epochs 1", "train logistic --limit 40 --epochs 1 --json", "devices", "devices --json",
    "doctor", "doctor --json", "eval --checkpoint % --limit 40", "eval --checkpoint % --limit 40 --json",
  ]) func lostResultsAreFailures(line: String) throws {
    let checkpoint = try Checkpoints.logistic.get()
    let arguments = line.split(separator: " ").map { $0 == "%" ? checkpoint : String($0) }
    for (redirection, reason) in [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")] {
      let outcome = try Tool.run(arguments, shell: "exec \(redirection)")
      #expect(outcome.status == 1 && !outcome.crashed, "\(line) \(redirection): \(outcome)")
      let last = outcome.errorLines.last ?? ""
      #expect(last.hasPrefix("tern: cannot write standard output (\(reason)); "), "\(line) \(redirection): \(outcome)")
    }
  }
}
