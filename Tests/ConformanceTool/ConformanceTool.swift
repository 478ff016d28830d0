// SPDX-License-Identifier: MIT
import ArgumentParser
import Foundation
import TernRuntime

/// The library as a command that scorers call: it computes what cases ask for and writes files.
@main struct ConformanceTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tern-conformance",
    abstract: "Computes conformance cases, for a scorer to compare with what they expect.",
    subcommands: [GoldenCommand.self, GoldenWorkerCommand.self])

  static func main() {
    openMissingStandardStreams()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as TernError {
      writeToStandardError("tern-conformance: \(error.oneLine)\n")
      Foundation.exit(EXIT_FAILURE)
    } catch {
      exit(withError: error)
    }
  }
}
