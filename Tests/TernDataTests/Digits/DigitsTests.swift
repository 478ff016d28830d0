// SPDX-License-Identifier: MIT
import Tern
import TernData
import Testing

@Suite struct DigitsTests {
  private let digits = ImageDataset.digits(count: 200, seed: 7, split: .train)

  @Test func sameSeedDrawsTheSameBytesOnEveryMachine() {
    #expect(fingerprint(digits.pixels) == 0x0055_090f_d799_70e5)
    #expect(digits.labels == (0..<200).map { UInt8($0 % 10) })
  }

  @Test func largerSetsBeginWithSmallerOnes() {
    #expect(ImageDataset.digits(count: 13, seed: 7, split: .train).pixels == digits.prefix(13).pixels)
  }

  @Test func seedsAndSplitsDiffer() {
    let few = digits.prefix(20)
    #expect(ImageDataset.digits(count: 20, seed: 8, split: .train).pixels != few.pixels)
    #expect(ImageDataset.digits(count: 20, seed: 7, split: .test).pixels != few.pixels)
  }

  @Test func everyImageHoldsInkInItsMiddleAndNoneInItsCorners() {
    for index in 0..<digits.count {
      let image = Array(digits[index])
      let ink = image.filter { $0 > 127 }.count
      #expect((12...400).contains(ink), "image \(index) of a \(digits.labels[index]): \(ink) inked pixels")
      for corner in [0, 27, 27 * 28, 783] { #expect(image[corner] < 64, "image \(index)") }
    }
  }

  @Test func imagesOfOneDigitVary() {
    for digit in 0..<10 {
      let first = Array(digits[digit]), second = Array(digits[digit + 10])
      let difference = zip(first, second).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
      #expect(difference > 28 * 28 * 4, "two images of a \(digit) differ by \(difference) only")
    }
  }

  /// Ink of a scanned digit covers 13 % of the image on average, here as there.
  @Test func meanInkIsThatOfScannedDigits() {
    let mean = digits.pixels.reduce(0.0) { $0 + Double($1) } / Double(digits.pixels.count) / 255
    #expect((0.09...0.16).contains(mean), "\(mean)")
  }

  /// FNV-1a, 64 bits.
  private func fingerprint(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
