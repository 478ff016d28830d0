// SPDX-License-Identifier: MIT
import Foundation

/// Writes text for the person at the terminal. A standard error that is full or closed is no reason to stop working.
package func writeToStandardError(_ text: String) {
  _ = Data(text.utf8).withUnsafeBytes { writeAll($0, to: STDERR_FILENO) }
}

/// Writes a result to standard output.
///
/// - Throws: `TernError` with code `file` when it does not arrive there. A reader that has gone ends the process as it
///   ends any other (SIGPIPE).
package func writeToStandardOutput(_ bytes: Data) throws {
  let code = bytes.withUnsafeBytes { writeAll($0, to: STDOUT_FILENO, withoutSignals: [SIGXFSZ]) }
  if code != 0 { throw TernError.cannotWrite("standard output", code) }
}

/// Writes a result and a newline to standard output.
package func printResult(_ text: String) throws { try writeToStandardOutput(Data((text + "\n").utf8)) }

/// Gives a program that was started without one of its standard streams something in its place. Otherwise the first
/// file that it opens gets the number, and with it what is meant for the terminal.
package func openMissingStandardStreams() {
  // In the wrong direction: what is written or read there must fail, not vanish.
  for (stream, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
  where fcntl(stream, F_GETFD) < 0 {
    _ = open("/dev/null", flags)  // gets the lowest number that is free: this one
  }
}
