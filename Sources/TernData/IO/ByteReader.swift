// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Reads a file from its start to its end, decompressing on the way if it is gzip.
///
/// Memory is bounded by what is asked for: compressed bytes pass through one small buffer, and nothing that a header
/// claims is allocated here.
final class ByteReader {
  var path: String { file.path }
  /// No deflate stream expands further than this (zlib's documentation), so a header that claims more lies.
  private static let greatestExpansion = 1032
  private let file: RegularFile
  /// Where the next bytes of the file are.
  private var position = 0
  private let inflater: Inflater?

  /// - Throws: `TernError` with code `file` if `path` cannot be opened or is not a regular file.
  init(path: String) throws {
    file = try RegularFile(path: path)
    inflater = try file.read(at: 0, upTo: 2) == [0x1f, 0x8b] ? Inflater(path: path) : nil
  }

  /// The most bytes that the whole file can hold once decompressed.
  var greatestSize: Int {
    guard inflater != nil else { return file.size }
    let (size, overflow) = file.size.multipliedReportingOverflow(by: Self.greatestExpansion)
    return overflow ? .max : size
  }

  /// The next bytes: `count` of them, or fewer at the end of the file.
  func read(upTo count: Int) throws -> [UInt8] {
    guard let inflater else { return try readBytes(upTo: count) }
    return try inflater.read(upTo: count, refill: readBytes)
  }

  /// Reads a gzip file on to its end, so that its checksum is compared: whatever a damaged one seems to hold is the
  /// consequence, not the cause.
  ///
  /// - Throws: `TernError` with code `format` if the stream is damaged or stops before its end.
  func checkRest() throws {
    if inflater == nil { return }
    while try !read(upTo: 1 << 18).isEmpty {}
  }

  /// The file's own bytes.
  private func readBytes(upTo count: Int) throws -> [UInt8] {
    let bytes = try file.read(at: position, upTo: count)
    position += bytes.count
    return bytes
  }
}
