// SPDX-License-Identifier: MIT
import Foundation
import TernData
import TestSupport

extension TemporaryDirectory {
  /// Writes a small data set in the files of the MNIST database, with some bytes replaced.
  func writeDataset(images: [UInt8]? = nil, labels: [UInt8]? = nil) throws {
    let digits = ImageDataset.digits(count: 20, split: .test)
    for stem in ["train", "t10k"] {
      _ = try write(images ?? Self.imageFile(digits), "\(stem)-images-idx3-ubyte")
      _ = try write(labels ?? Self.labelFile(digits.labels), "\(stem)-labels-idx1-ubyte")
    }
  }

  static func imageFile(_ images: ImageDataset) -> [UInt8] {
    [0, 0, 8, 3, 0, 0, 0, UInt8(images.count), 0, 0, 0, UInt8(images.height), 0, 0, 0, UInt8(images.width)]
      + images.pixels
  }

  static func labelFile(_ labels: [UInt8]) -> [UInt8] { [0, 0, 8, 1, 0, 0, 0, UInt8(labels.count)] + labels }
}
