// SPDX-License-Identifier: MIT
import Foundation

/// Advisory locks on files of the cache, held by one process at a time while it reads, merges and replaces results.
///
/// What they guard is replaced atomically all the same, so that where locks do not work (some network file systems) the
/// worst is that the last writer wins.
enum FileLock {
  /// Runs `body` while nobody else holds the lock.
  ///
  /// - Parameters:
  ///   - path: a file that is made if it is missing, and stays.
  ///   - patience: seconds after which to give up; holders keep it for milliseconds.
  /// - Throws: `TernError` with code `file` when somebody else held it for all that time, or what `body` throws.
  static func holding<Result>(_ path: String, patience: Double, _ body: () throws -> Result) throws -> Result {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return try body() }
    defer { close(descriptor) }
    let pause: UInt32 = 5_000  // microseconds
    for _ in 0...Int(patience * 1e6) / Int(pause) {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return try body() }
      usleep(pause)
    }
    throw TernError(
      .file, "\(path) is held by another process", remedy: "run again when the other process has ended")
  }
}
