// SPDX-License-Identifier: MIT
import ArgumentParser
import Foundation
import Tern
import TernRuntime

/// The `tern` tool: trains and uses small networks, and looks at the machine's devices.
@main struct TernTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tern",
    abstract: "Trains neural networks on OpenCL devices and on the CPU.",
    discussion: """
      Results go to standard output, progress and errors to standard error. The exit code is 0, 1 for a failure (with \
      one line that says what, where and what to do), 64 for a mistake in the arguments, and 130 after Ctrl-C.

      Environment: TERN_DEVICE names the default device, TERN_THREADS the CPU's threads, TERN_STRICT=1 forbids that an \
      OpenCL run falls back to the CPU.
      """,
    subcommands: [
      TrainCommand.self, EvaluateCommand.self, PredictCommand.self, DevicesCommand.self, DoctorCommand.self,
      ProfileCommand.self, TuneCommand.self, TuneWorkerCommand.self, DemoCommand.self,
    ])

  static func main() {
    openMissingStandardStreams()
    // A file size limit must come back as an error of the write, not as the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      // The doctor reports wrong settings itself.
      if !(command is DoctorCommand) { try Doctor.checkSettings() }
      try command.run()
    } catch let error as TernError {
      writeToStandardError("tern: \(error.oneLine)\n")
      Foundation.exit(EXIT_FAILURE)
    } catch {
      exit(withError: error)
    }
  }
}
