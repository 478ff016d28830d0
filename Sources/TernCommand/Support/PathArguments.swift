// SPDX-License-Identifier: MIT
import ArgumentParser

/// Refuses an empty path, such as an unset variable of a script gives: the system would say that nothing does not
/// exist.
func checkPaths(_ paths: [String: String?]) throws {
  for (name, path) in paths.sorted(by: { $0.key < $1.key }) where path == "" {
    throw ValidationError("\(name) must name a file or a directory, but is empty")
  }
}
