// SPDX-License-Identifier: MIT
import Tern

extension ImageDataset {
  /// Draws handwriting-like digits of 28 x 28 pixels: strokes with an elastic and an affine distortion, pen pressure
  /// and grain. A stand-in for scanned digits that needs no file.
  ///
  /// Image `i` shows digit `i % 10` and depends on the seed, the split and `i` alone: a larger set begins with the
  /// images of a smaller one, and the same seed draws the same bytes on every machine.
  ///
  /// - Parameters:
  ///   - count: number of images.
  ///   - split: images of the two splits come from disjoint random streams.
  public static func digits(count: Int, seed: UInt64 = 0, split: DatasetSplit) -> ImageDataset {
    require(count > 0, "ImageDataset.digits: count must be positive, got \(count)")
    let side = DigitArtist.side
    // Apart from each other and from the streams that weights and orders are drawn from with the same seed.
    let firstStream: UInt64 = split == .train ? 1 << 62 : 1 << 63
    let generator = RandomGenerator(seed: seed)
    var artist = DigitArtist()
    let pixels = [UInt8](unsafeUninitializedCapacity: count * side * side) { pixels, initialized in
      for index in 0..<count {
        generator.state.stream = firstStream + UInt64(index)
        let words = generator.hostWords(DigitArtist.wordCount)
        let image = UnsafeMutableBufferPointer(rebasing: pixels[index * side * side..<(index + 1) * side * side])
        artist.draw(index % 10, words: words, into: image)
      }
      initialized = count * side * side
    }
    return ImageDataset(
      pixels: pixels, labels: (0..<count).map { UInt8($0 % 10) }, height: side, width: side)
  }
}
