// SPDX-License-Identifier: MIT
import Tern

/// An array of bytes in the IDX format of the MNIST database: two zero bytes, a type (8 is an unsigned byte), the
/// number of axes, each extent as a big-endian 32-bit number, then the elements, last axis fastest.
struct IDXFile {
  let shape: [Int]
  let bytes: [UInt8]

  /// Reads a plain or gzip file and checks every claim of its header against what is there, before memory is taken.
  ///
  /// - Parameters:
  ///   - rank: the number of axes the file must have: 1 for labels, 3 for images.
  ///   - kind: what the file should hold, for messages: "labels", "images".
  /// - Throws: `TernError`: `file` if it cannot be read, `format` if it is not such a file, is truncated, or goes on
  ///   behind its last element.
  init(path: String, rank: Int, kind: String) throws {
    let reader = try ByteReader(path: path)
    do {
      (shape, bytes) = try Self.read(reader, rank: rank, kind: kind)
    } catch let error as TernError where error.code == .format {
      try reader.checkRest()
      throw error
    }
  }

  private static func read(_ reader: ByteReader, rank: Int, kind: String) throws -> (shape: [Int], bytes: [UInt8]) {
    let path = reader.path
    let shape = try header(reader, rank: rank, kind: kind)
    let start = 4 + 4 * rank
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      count = overflow ? .max : product
      // Also with a later extent of 0: the claim is nonsense either way.
      guard !overflow, count <= reader.greatestSize - start else {
        throw TernError(
          .format, "\(path): the header promises \(shape) bytes of \(kind), more than the file can hold",
          remedy: "the file is truncated or its header is damaged: get it again")
      }
    }
    let bytes = try reader.read(upTo: count)
    guard bytes.count == count else {
      throw TernError(
        .format, "\(path): the header promises \(count) bytes of \(kind), the file holds \(bytes.count)",
        remedy: "the file is truncated: get it again")
    }
    guard try reader.read(upTo: 1).isEmpty else {
      throw TernError(
        .format, "\(path): data go on behind the \(count) bytes of \(kind) that the header promises",
        remedy: "the header does not belong to these data: get the file again")
    }
    return (shape, bytes)
  }

  private static func header(_ reader: ByteReader, rank: Int, kind: String) throws -> [Int] {
    let length = 4 + 4 * rank
    let header = try reader.read(upTo: length)
    let magic = header.prefix(4)
    guard
      magic.elementsEqual([0, 0, 8, UInt8(rank)]) || magic.elementsEqual([0, 0, 8, UInt8(rank)].prefix(magic.count))
    else {
      let found = magic.map { hexadecimal($0) }.joined(separator: " ")
      throw TernError(
        .format,
        "\(reader.path): an IDX file of \(kind) begins with the bytes "
          + "00 00 08 \(hexadecimal(UInt8(rank))), not \(found)",
        remedy: "give the IDX file of the \(kind), plain or gzip")
    }
    guard header.count == length else {
      throw TernError(
        .format, "\(reader.path): the IDX header takes \(length) bytes, the file holds \(header.count)",
        remedy: "the file is truncated: get it again")
    }
    return (0..<rank).map { axis in
      header[(4 + 4 * axis)..<(8 + 4 * axis)].reduce(0) { $0 << 8 | Int($1) }
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count < 2 ? "0" + digits : digits
  }
}
