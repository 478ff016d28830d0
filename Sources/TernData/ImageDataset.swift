// SPDX-License-Identifier: MIT
import Tern

/// Grey images of one size with a label each, held in host memory as bytes.
///
/// Bytes become numbers batch by batch (`ImageNormalization`), so a data set takes a quarter of its floats' memory.
public struct ImageDataset: Sendable {
  public let height: Int
  public let width: Int
  /// One class per image.
  public let labels: [UInt8]
  /// `count * height * width` grey values, image by image and row by row; 255 is full ink.
  public let pixels: [UInt8]

  public var count: Int { labels.count }
  var pixelsPerImage: Int { height * width }

  /// - Precondition: `pixels` holds `height * width` bytes for each label.
  public init(pixels: [UInt8], labels: [UInt8], height: Int, width: Int) {
    require(
      height > 0 && width > 0 && pixels.count == labels.count * height * width,
      "ImageDataset: \(labels.count) labels and images of \(height) x \(width) need "
        + "\(labels.count * height * width) pixels, got \(pixels.count)")
    self.pixels = pixels
    self.labels = labels
    self.height = height
    self.width = width
  }

  /// The grey values of one image.
  public subscript(_ index: Int) -> ArraySlice<UInt8> {
    require(labels.indices.contains(index), "ImageDataset: no image \(index) among \(count)")
    return pixels[index * pixelsPerImage..<(index + 1) * pixelsPerImage]
  }

  /// The first `count` images, or all where there are fewer.
  public func prefix(_ count: Int) -> ImageDataset {
    guard count < self.count else { return self }
    return ImageDataset(
      pixels: Array(pixels[..<(count * pixelsPerImage)]), labels: Array(labels[..<count]), height: height, width: width)
  }
}

/// Which half of a data set: what a model learns from, or what it is judged by.
public enum DatasetSplit: String, Sendable, CaseIterable {
  case train, test
}
