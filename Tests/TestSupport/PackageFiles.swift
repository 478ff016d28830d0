// SPDX-License-Identifier: MIT
import Foundation

/// Files of the package that tests read.
public enum PackageFiles {
  /// The package's folder: the one that was compiled, or for tests that run from a bundle, the bundle's copy of what
  /// they read.
  public static let root: URL = {
    let copy = executables.deletingLastPathComponent().appending(path: "source")
    if FileManager.default.fileExists(atPath: copy.path) { return copy }
    return URL(fileURLWithPath: #filePath).appending(path: "../../..").standardizedFileURL
  }()

  /// The folder of the test bundle, with the built programs beside it.
  public static let executables: URL = {
    let bundle =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: bundle).deletingLastPathComponent()
  }()

  public static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }
}
