// SPDX-License-Identifier: MIT
import Tern

/// Grey images of one size with a label each, held in host memory as bytes.
///
/// Bytes become numbers batch by batch (`ImageNormalization`), so a data set takes a quarter of its floats' memory.
public struct ImageDataset: Sendable {
  /// Rows of each image, in pixels.
  public let height: Int
  /// Columns of each image, in pixels.
  public let width: Int
  /// One class per image.
  public let labels: [UInt8]
  /// `count * height * width` grey values, image by image and row by row; 255 is full ink.
  public let pixels: [UInt8]

  /// The number of images.
  public var count: Int { labels.count }
  var pixelsPerImage: Int { height * width }

  /// Images from bytes.
  ///
  /// - Parameters:
  ///   - pixels: grey values, image by image and row by row.
  ///   - labels: one class per image.
  /// - Precondition: `pixels` holds `height * width` bytes for each label, and both sides are positive.
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
  /// What a model learns from.
  case train
  /// What it is judged by, and has never seen.
  case test
}
