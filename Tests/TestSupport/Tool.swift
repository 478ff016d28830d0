// SPDX-License-Identifier: MIT
import Foundation
import Testing

/// Runs a built executable, `tern` where nothing else is said, as a child process.
public enum Tool {
  public struct Outcome: Sendable {
    public let status: Int32
    /// Whether a signal, and not `exit`, ended the process.
    public let crashed: Bool
    public let output: String
    public let error: String

    /// The lines of standard error.
    public var errorLines: [Substring] { error.split(separator: "\n", omittingEmptySubsequences: true) }
  }

  /// Runs to the end.
  ///
  /// - Parameter shell: commands for a shell to run before it becomes the tool, such as `ulimit -f 1`.
  public static func run(
    _ arguments: [String], of name: String = "tern", environment: [String: String] = [:], shell: String? = nil
  ) throws -> Outcome {
    let child = try Child(arguments, of: name, environment: environment, shell: shell)
    return try child.wait()
  }

  /// Runs to the end, which must be a failure of the world: exit code 1, nothing on standard output, and one line on
  /// standard error that contains `parts` and a remedy.
  public static func expectFailure(
    _ arguments: [String], of name: String = "tern", says parts: [String], environment: [String: String] = [:],
    shell: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try run(arguments, of: name, environment: environment, shell: shell)
    #expect(outcome.status == 1 && !outcome.crashed, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    #expect(
      outcome.errorLines.count == 1 && outcome.error.hasPrefix("\(name): ") && outcome.error.hasSuffix("\n"),
      "\(outcome.error)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(outcome.error.contains(part), "'\(part)' is not in: \(outcome.error)", sourceLocation: sourceLocation)
    }
    for raw in ["Error Domain", "CodingKeys"] {
      #expect(!outcome.error.contains(raw), "\(outcome.error)", sourceLocation: sourceLocation)
    }
    #expect(outcome.error.contains("; "), "no remedy in: \(outcome.error)", sourceLocation: sourceLocation)
  }

  /// A run that is still going on.
  public final class Child {
    private let process = Process()
    private let directory: TemporaryDirectory

    public init(
      _ arguments: [String], of name: String = "tern", environment: [String: String] = [:], shell: String? = nil
    ) throws {
      let path = PackageFiles.executables.appending(path: name).path
      directory = try TemporaryDirectory()
      if let shell {
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "\(shell); exec \"$@\"", "sh", path] + arguments
      } else {
        process.executableURL = URL(fileURLWithPath: path)
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

    public var isRunning: Bool { process.isRunning }

    /// Sends Ctrl-C.
    public func interrupt() { process.interrupt() }

    /// Ends the process at once.
    public func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// Waits for the end; a run of more than two minutes is ended, so that a test fails and does not hang.
    public func wait() throws -> Outcome {
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
