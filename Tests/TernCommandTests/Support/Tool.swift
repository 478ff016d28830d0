// SPDX-License-Identifier: MIT
import Foundation
import TestSupport

/// Runs the built `tern` as a child process.
enum Tool {
  struct Outcome {
    let status: Int32
    /// Whether a signal, and not `exit`, ended the process.
    let crashed: Bool
    let output: String
    let error: String

    /// The lines of standard error.
    var errorLines: [Substring] { error.split(separator: "\n", omittingEmptySubsequences: true) }
  }

  /// The executable stands beside the test bundle.
  static let path = PackageFiles.executables.appending(path: "tern").path

  /// Runs to the end.
  ///
  /// - Parameter shell: commands for a shell to run before it becomes the tool, such as `ulimit -f 1`.
  static func run(_ arguments: [String], environment: [String: String] = [:], shell: String? = nil) throws -> Outcome {
    let child = try Child(arguments, environment: environment, shell: shell)
    return try child.wait()
  }

  /// A run that is still going on.
  final class Child {
    private let process = Process()
    private let directory: TemporaryDirectory

    init(_ arguments: [String], environment: [String: String] = [:], shell: String? = nil) throws {
      directory = try TemporaryDirectory()
      if let shell {
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "\(shell); exec \"$@\"", "sh", Tool.path] + arguments
      } else {
        process.executableURL = URL(fileURLWithPath: Tool.path)
        process.arguments = arguments
      }
      var merged = ProcessInfo.processInfo.environment
      merged["TERN_DEVICE"] = "cpu"
      merged["SWIFT_BACKTRACE"] = "enable=no"
      process.environment = merged.merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      // Files, not pipes: nobody has to read while the process writes.
      process.standardOutput = try Self.newFile(directory.path + "/output")
      process.standardError = try Self.newFile(directory.path + "/error")
      try Self.withOpenSignals { try process.run() }
    }

    var isRunning: Bool { process.isRunning }

    /// Sends Ctrl-C.
    func interrupt() { process.interrupt() }

    /// Ends the process at once.
    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// Waits for the end; a run of more than two minutes is ended, so that a test fails and does not hang.
    func wait() throws -> Outcome {
      let deadline = Date(timeIntervalSinceNow: 120)
      while process.isRunning && Date() < deadline { usleep(5_000) }
      if process.isRunning { kill() }
      process.waitUntilExit()
      func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + name)), as: UTF8.self)
      }
      return Outcome(
        status: process.terminationStatus, crashed: process.terminationReason == .uncaughtSignal,
        output: try text("output"), error: try text("error"))
    }

    /// Test threads block signals, and a child inherits what its parent's thread blocks.
    private static func withOpenSignals(_ body: () throws -> Void) rethrows {
      var none = sigset_t(), before = sigset_t()
      sigemptyset(&none)
      pthread_sigmask(SIG_SETMASK, &none, &before)
      defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
      try body()
    }

    private static func newFile(_ path: String) throws -> FileHandle {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }
  }
}
