// SPDX-License-Identifier: MIT
import Tern

extension GrayImage {
  /// A picture file has at most this many bytes; everything in it is checked against what is there.
  private static let greatestFile = 64 << 20

  /// Reads a portable grey map: P2 (text) or P5 (binary), up to 16 bits a pixel, with comments in the header.
  ///
  /// - Throws: `TernError`: `file` if it cannot be read, `format` if it is no grey map, is truncated, goes on behind
  ///   its last pixel, or holds a value above its own maximum.
  public init(pgm path: String) throws {
    let reader = try ByteReader(path: path)
    let bytes = try reader.read(upTo: Self.greatestFile + 1)
    guard bytes.count <= Self.greatestFile else {
      throw TernError(
        .format, "\(path): larger than \(Self.greatestFile >> 20) MiB", remedy: "scale the picture down")
    }
    var parser = PGMParser(path: path, bytes: bytes)
    self = try parser.image()
  }
}

/// Reads the tokens of a portable grey map, see the netpbm project's `pgm` page.
private struct PGMParser {
  let path: String
  let bytes: [UInt8]
  private var position = 0

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  mutating func image() throws -> GrayImage {
    guard bytes.count >= 2, bytes[0] == UInt8(ascii: "P"),
      bytes[1] == UInt8(ascii: "2") || bytes[1] == UInt8(ascii: "5")
    else {
      throw failure("a portable grey map begins with P2 or P5", "convert the picture to PGM")
    }
    let isBinary = bytes[1] == UInt8(ascii: "5")
    position = 2
    let width = try number("the width", in: 1...65_535)
    let height = try number("the height", in: 1...65_535)
    let maximum = try number("the greatest value", in: 1...65_535)
    let values = isBinary ? try binary(width * height, maximum) : try text(width * height, maximum)
    let scale = Float(maximum)
    return GrayImage(width: width, height: height, levels: values.map { Float($0) / scale })
  }

  private mutating func binary(_ count: Int, _ maximum: Int) throws -> [UInt16] {
    // A single white-space byte ends the header: what follows may look like space and is a pixel.
    guard position < bytes.count, Self.isSpace(bytes[position]) else {
      throw failure("white space is missing behind the header")
    }
    position += 1
    let width = maximum > 255 ? 2 : 1
    guard bytes.count - position == count * width else {
      throw failure("the header promises \(count * width) bytes of pixels, the file holds \(bytes.count - position)")
    }
    return try (0..<count).map { i in
      let at = position + i * width
      let value = width == 1 ? Int(bytes[at]) : Int(bytes[at]) << 8 | Int(bytes[at + 1])
      guard value <= maximum else { throw failure("pixel \(i) is \(value), above the maximum \(maximum)") }
      return UInt16(value)
    }
  }

  private mutating func text(_ count: Int, _ maximum: Int) throws -> [UInt16] {
    // Every number takes a digit and a separator, so a header that promises more lies.
    guard count <= (bytes.count - position) / 2 else {
      throw failure("the header promises \(count) pixels, more than the file can hold")
    }
    let values = try (0..<count).map { i in UInt16(try number("pixel \(i)", in: 0...maximum)) }
    skipSpace()
    guard position == bytes.count else { throw failure("data go on behind the last pixel") }
    return values
  }

  private mutating func number(_ what: String, in range: ClosedRange<Int>) throws -> Int {
    skipSpace()
    guard position < bytes.count else { throw failure("the file stops before \(what)") }
    var value = 0
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]), value <= 65_535 {
      value = value * 10 + Int(bytes[position] - UInt8(ascii: "0"))
      position += 1
    }
    let ends = position == bytes.count || Self.isSpace(bytes[position]) || bytes[position] == UInt8(ascii: "#")
    guard position > start, ends, range.contains(value) else {
      throw failure("\(what) must be a number in \(range.lowerBound)...\(range.upperBound)")
    }
    return value
  }

  /// Skips white space and comments, which run from `#` to the end of the line.
  private mutating func skipSpace() {
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "#") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      } else if Self.isSpace(bytes[position]) {
        position += 1
      } else {
        return
      }
    }
  }

  private func failure(_ problem: String, _ remedy: String = "save the picture again as PGM") -> TernError {
    TernError(.format, "\(path): \(problem)", remedy: remedy)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
