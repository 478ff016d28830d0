// SPDX-License-Identifier: MIT
import Foundation

/// A file that grows at its end, piece by piece. What was there stays until somebody truncates it.
package final class AppendedFile {
  private let path: String
  private let descriptor: Int32

  /// Opens the file, and makes it if there is none.
  ///
  /// - Throws: `TernError` with code `file` when the place cannot be written.
  package init(path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw TernError.cannotWrite(path, errno, action: "open") }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds bytes; they are with the system when this returns.
  package func append(_ bytes: Data) throws {
    let code = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
    if code != 0 { throw TernError.cannotWrite(path, code) }
  }

  /// Drops all but the first lines, and a last one without its newline. Pipes and devices have nothing to drop.
  package func truncate(toLines count: Int) throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    if ftruncate(descriptor, off_t(try end(ofLine: count))) != 0 { throw TernError.cannotWrite(path, errno) }
  }

  /// The place behind the newline of a line, counted from 1, or of the last one.
  private func end(ofLine number: Int) throws -> Int {
    var (offset, end, lines) = (0, 0, 0)
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while lines < number {
      let count = pread(descriptor, &piece, piece.count, off_t(offset))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw TernError.cannotRead(path, errno) }
      if count == 0 { break }
      for index in 0..<count where piece[index] == UInt8(ascii: "\n") && lines < number {
        lines += 1
        end = offset + index + 1
      }
      offset += count
    }
    return end
  }
}
