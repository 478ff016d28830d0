// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// Reads a file from its start to its end, decompressing on the way if it is gzip.
///
/// Memory is bounded by what is asked for: compressed bytes pass through one small buffer, and nothing that a header
/// claims is allocated here.
final class ByteReader {
  let path: String
  /// No deflate stream expands further than this (zlib's documentation), so a header that claims more lies.
  private static let greatestExpansion = 1032
  private let file: FileHandle
  private let fileSize: Int
  private let inflater: Inflater?

  /// - Throws: `TernError` with code `file` if `path` cannot be opened or is not a regular file.
  init(path: String) throws {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0, let file = FileHandle(forReadingAtPath: path) else {
      throw TernError(
        .file, "cannot open \(path)", remedy: "check that the file exists and may be read",
        cause: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw TernError(.file, "\(path) is not a regular file", remedy: "name a file that can be read from its start")
    }
    self.file = file
    fileSize = Int(status.st_size)
    let magic = try Self.readBytes(file, path, upTo: 2)
    do { try file.seek(toOffset: 0) } catch { throw Self.readFailure(path, error) }
    inflater = magic == [0x1f, 0x8b] ? try Inflater(path: path) : nil
  }

  deinit { try? file.close() }

  /// The most bytes that the whole file can hold once decompressed.
  var greatestSize: Int {
    guard inflater != nil else { return fileSize }
    let (size, overflow) = fileSize.multipliedReportingOverflow(by: Self.greatestExpansion)
    return overflow ? .max : size
  }

  /// The next bytes: `count` of them, or fewer at the end of the file.
  func read(upTo count: Int) throws -> [UInt8] {
    guard let inflater else { return try Self.readBytes(file, path, upTo: count) }
    return try inflater.read(upTo: count) { try Self.readBytes(self.file, self.path, upTo: $0) }
  }

  private static func readBytes(_ file: FileHandle, _ path: String, upTo count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      do {
        // In pieces, so a wrong count never reserves more than the file goes on to fill.
        guard let piece = try file.read(upToCount: min(count - bytes.count, 1 << 20)), !piece.isEmpty else { break }
        bytes.append(contentsOf: piece)
      } catch { throw readFailure(path, error) }
    }
    return bytes
  }

  private static func readFailure(_ path: String, _ error: any Error) -> TernError {
    TernError(.file, "cannot read \(path)", remedy: "check the disk and the file's permissions", cause: "\(error)")
  }
}
