// SPDX-License-Identifier: MIT
import Tern
import Testing

@testable import TernData

@Suite struct DigitNormalizationTests {
  /// A light bar on a dark ground.
  private func bar(width: Int, height: Int, x: Range<Int>, y: Range<Int>) -> GrayImage {
    GrayImage(
      width: width, height: height,
      levels: (0..<height).flatMap { row in (0..<width).map { x.contains($0) && y.contains(row) ? 1 : 0 } })
  }

  @Test func leavesAnImageOfTheRightSizeAlone() throws {
    let digits = ImageDataset.digits(count: 3, split: .test)
    let image = GrayImage(width: 28, height: 28, levels: digits[2].map { Float($0) / 255 })
    #expect(try image.normalizedDigit() == Array(digits[2]))
    #expect(try image.inverted.normalizedDigit() == Array(digits[2]))
  }

  @Test(arguments: [false, true]) func centresAndScalesInkOfAnyPlaceAndPolarity(inverted: Bool) throws {
    // 30 x 120 pixels of ink in a corner become 5 x 20 pixels in the middle.
    let drawing = bar(width: 200, height: 160, x: 4..<34, y: 30..<150)
    let pixels = try (inverted ? drawing.inverted : drawing).normalizedDigit()
    for y in 0..<28 {
      for x in 0..<28 {
        let inside = (4..<24).contains(y) && (12..<17).contains(x) || (4..<24).contains(y) && (11..<16).contains(x)
        if !inside { #expect(pixels[y * 28 + x] == 0, "(\(x), \(y))") }
      }
    }
    #expect(pixels.reduce(0) { $0 + Int($1) } == 5 * 20 * 255)
  }

  @Test func averagesAreas() {
    let image = GrayImage(width: 3, height: 1, levels: [0, 0.6, 0.9])
    #expect(image.resized(width: 1, height: 1).levels[0].isNear(0.5))
    let two = image.resized(width: 2, height: 1).levels
    #expect(two[0].isNear(0.2) && two[1].isNear(0.8))
    #expect(image.resized(width: 6, height: 2).levels.count == 12)
    #expect(image.resized(width: 6, height: 1).levels[5].isNear(0.9))
  }

  @Test func namesABlankPicture() {
    let error = #expect(throws: TernError.self) {
      try GrayImage(width: 31, height: 33, levels: [Float](repeating: 1, count: 31 * 33)).normalizedDigit()
    }
    #expect(error?.message == "the picture of 31 x 33 pixels is blank")
  }
}

extension Float {
  fileprivate func isNear(_ other: Float) -> Bool { abs(self - other) < 1e-6 }
}
