// SPDX-License-Identifier: MIT

/// Warnings that were printed.
private let printed = Lock<Set<String>>([])

/// Prints one line on standard error, once in the life of the process.
package func warnOnce(_ message: String) {
  guard printed.withLock({ $0.insert(message).inserted }) else { return }
  writeToStandardError("Tern: warning: \(message)\n")
}
