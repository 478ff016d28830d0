// SPDX-License-Identifier: MIT
import Foundation

/// A regular file that is open for reading. Anything else is refused at once: opening a pipe that nobody writes to
/// would wait for ever.
package final class RegularFile: Sendable {
  package let path: String
  /// Bytes in the file when it was opened.
  package let size: Int
  private let descriptor: Int32

  /// - Throws: `TernError` with code `file` when it cannot be opened or is something else.
  package init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw TernError.cannotRead(path, errno, action: "open") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw TernError(
        .file, "\(path) is not a regular file", remedy: "give the path of a file that can be read from any place")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Reads into memory from a place on.
  ///
  /// - Returns: the number of bytes, less than there is room for only at the end of the file.
  /// - Throws: `TernError` with code `file` when reading fails.
  package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    while done < target.count {
      let count = pread(descriptor, target.baseAddress! + done, min(target.count - done, 1 << 30), off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw TernError.cannotRead(path, errno) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// The bytes from a place on: as many as asked for, or fewer at the end of the file.
  package func read(at offset: Int, upTo count: Int) throws -> [UInt8] {
    // Never more than is there: the count may come from a damaged header.
    let room = max(0, min(count, size - offset))
    return try [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
      let target = UnsafeMutableBufferPointer(rebasing: buffer[..<room])
      initialized = try read(at: offset, into: UnsafeMutableRawBufferPointer(target))
    }
  }

  /// All bytes.
  package func contents() throws -> Data {
    var data = Data(count: size)
    let count = try data.withUnsafeMutableBytes { try read(at: 0, into: $0) }
    return data.prefix(count)
  }
}
