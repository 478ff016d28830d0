// SPDX-License-Identifier: MIT
import Foundation

/// Traps with a message on standard error when a caller broke a rule, in release builds too.
///
/// `precondition` prints nothing in `-O`; a shape mistake must always show the operation and both shapes.
@inline(__always)
package func require(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { trap(message(), file: file, line: line) }
}

/// Prints `message` with the place that noticed it, then stops the process.
@inline(never)
package func trap(_ message: String, file: StaticString = #fileID, line: UInt = #line) -> Never {
  fflush(nil)
  writeToStandardError("Tern: \(message) (\(file):\(line))\n")
  fatalError(message, file: file, line: line)
}
