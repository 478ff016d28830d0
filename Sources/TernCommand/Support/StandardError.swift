// SPDX-License-Identifier: MIT
import Foundation

/// Writes text for the person at the terminal. A closed standard error is no reason to stop working.
func writeToStandardError(_ text: String) {
  try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
}
