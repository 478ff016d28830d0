// SPDX-License-Identifier: MIT
import ArgumentParser
import TernRuntime

/// Refuses an empty path, such as an unset variable of a script gives: the system would say that nothing does not
/// exist.
func checkPaths(_ paths: [String: String?]) throws {
  for (name, path) in paths.sorted(by: { $0.key < $1.key }) where path == "" {
    throw ValidationError("\(name) must name a file or a directory, but is empty")
  }
}

/// Refuses an output that is the same file as something else that a command reads or writes.
func checkApart(_ others: [String: String?], from name: String, _ path: String?) throws {
  guard let path else { return }
  for case (let other, let otherPath?) in others.sorted(by: { $0.key < $1.key }) where isSameFile(path, otherPath) {
    throw ValidationError("\(name) and \(other) name the same file, \(otherPath): give each a file of its own")
  }
}
