// SPDX-License-Identifier: MIT
import Foundation

/// A directory of its own for each test, removed with the last reference.
///
/// All of a test run's directories lie in one that goes when the process ends, and the children that exit tests start
/// use it too: what a static property or a killed child leaves behind goes with it.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init() throws {
    path = Self.root + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in the directory, whether it is there or not.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file and returns its path.
  public func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  /// Names of what is in the directory, sorted.
  public var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }

  /// The parent's, in a child of a test run that has one; else a new one, removed at exit.
  private static let root: String = {
    func name(_ process: Int32) -> String { NSTemporaryDirectory() + "tern-tests-\(process)" }
    if FileManager.default.fileExists(atPath: name(getppid())) { return name(getppid()) }
    atexit { try? FileManager.default.removeItem(atPath: TemporaryDirectory.root) }
    let own = name(getpid())
    try? FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    return own
  }()
}
