// SPDX-License-Identifier: MIT

/// An image data set as a model reads it: `[1, height, width]` of normalized numbers.
public struct NormalizedImages: Dataset {
  /// The images as bytes.
  public let images: ImageDataset
  /// How bytes become numbers.
  public let normalization: ImageNormalization
  private let table: [Float]

  /// Images with a normalization, by default that of digits.
  public init(_ images: ImageDataset, _ normalization: ImageNormalization = .digits) {
    self.images = images
    self.normalization = normalization
    table = normalization.table
  }

  /// The number of images.
  public var count: Int { images.count }
  /// One channel, then the sides: `[1, height, width]`.
  public var inputShape: [Int] { [1, images.height, images.width] }

  /// Writes normalized pixels, a table look-up each, and labels.
  ///
  /// - Precondition: `rows` lie in `0 ..< count`.
  public func read(
    _ rows: ArraySlice<Int>, inputs: UnsafeMutableBufferPointer<Float>, labels: UnsafeMutableBufferPointer<Int32>
  ) {
    let size = images.pixelsPerImage
    images.pixels.withUnsafeBufferPointer { pixels in
      table.withUnsafeBufferPointer { table in
        guard let numbers = table.baseAddress, let source = pixels.baseAddress, let target = inputs.baseAddress else {
          return
        }
        for (position, row) in rows.enumerated() {
          let from = source + row * size, to = target + position * size
          var i = 0  // `while`: a range's iterator is not inlined in debug builds
          while i < size {
            to[i] = numbers[Int(from[i])]
            i += 1
          }
        }
      }
    }
    for (position, row) in rows.enumerated() { labels[position] = Int32(images.labels[row]) }
  }
}
