// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernData

@Suite struct PGMTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func image(_ bytes: [UInt8]) throws -> GrayImage { try GrayImage(pgm: directory.write(bytes, "image.pgm")) }

  @Test func readsEveryForm() throws {
    let expected = GrayImage(width: 3, height: 2, levels: [0, 0.2, 0.4, 0.6, 0.8, 1])
    let text = "P2 # a comment\n# another\n3 2\n5\n0 1 2\n3 4#trailing\n5\n"
    #expect(try image(Array(text.utf8)) == expected)
    #expect(try image(Array("P5\n3 2\n5\n".utf8) + [0, 1, 2, 3, 4, 5]) == expected)
    #expect(
      try image(
        Array("P5 3 2 #deep\n 50000\n".utf8)
          + [0, 10_000, 20_000, 30_000, 40_000, 50_000].flatMap {
            [UInt8($0 >> 8), UInt8($0 & 0xff)]
          }) == expected)
    // A pixel that looks like white space follows the header's single separator.
    #expect(try image(Array("P5 1 1 255\n".utf8) + [10]).levels == [10 / 255])
  }

  @Test(arguments: [
    ("", "begins with P2 or P5"),
    ("P6 1 1 255\nabc", "begins with P2 or P5"),
    ("P5", "stops before the width"),
    ("P5 3", "stops before the height"),
    ("P5 3 x 255\n", "the height must be a number in 1...65535"),
    ("P5 0 1 255\n", "the width must be a number in 1...65535"),
    ("P5 99999999999999999999 1 255\n", "the width must be a number"),
    ("P5 1 1 0\n", "the greatest value must be a number in 1...65535"),
    ("P5 1 1 65536\n", "the greatest value must be a number in 1...65535"),
    ("P5 1 1 255", "white space is missing"),
    ("P5 2 2 255\nabc", "promises 4 bytes of pixels, the file holds 3"),
    ("P5 2 2 255\nabcde", "promises 4 bytes of pixels, the file holds 5"),
    ("P5 2 1 300\nabc", "promises 4 bytes of pixels, the file holds 3"),
    ("P5 65535 65535 255\n", "promises 4294836225 bytes"),
    ("P5 1 1 9\nA", "pixel 0 is 65, above the maximum 9"),
    ("P2 65535 65535 255\n1 2 3", "more than the file can hold"),
    ("P2 2 1 9\n1 10\n", "pixel 1 must be a number in 0...9"),
    ("P2 2 1 9\n1      ", "the file stops before pixel 1"),
    ("P2 2 1 9\n1 2 3", "go on behind the last pixel"),
    ("P2 2 1 9\n1 -2", "pixel 1 must be a number"),
  ]) func namesTheDamage(text: String, says: String) throws {
    let error = #expect(throws: TernError.self) { try image(Array(text.utf8)) }
    #expect(error?.code == .format)
    #expect(error?.description.contains(says) == true && error?.message.contains("image.pgm") == true, "\(error!)")
  }
}
