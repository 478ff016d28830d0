// SPDX-License-Identifier: MIT
import Foundation
import Tern

extension ImageDataset {
  /// Reads a split of a data set in the files of the MNIST database, plain or gzip:
  /// `train-images-idx3-ubyte[.gz]`, `train-labels-idx1-ubyte[.gz]`, and `t10k-…` for the test split. The spelling
  /// with a dot (`train-images.idx3-ubyte`) is found too.
  ///
  /// - Throws: `TernError`: `file` where a file is missing or unreadable, `format` where its contents are not what its
  ///   name says, or images and labels do not belong together.
  public static func idx(directory: String, split: DatasetSplit) throws -> ImageDataset {
    let stem = split == .train ? "train" : "t10k"
    return try idx(
      images: find("\(stem)-images", "idx3-ubyte", in: directory),
      labels: find("\(stem)-labels", "idx1-ubyte", in: directory))
  }

  /// Reads an IDX file of images `[count, height, width]` and the IDX file of their labels `[count]`.
  public static func idx(images imagePath: String, labels labelPath: String) throws -> ImageDataset {
    let images = try IDXFile(path: imagePath, rank: 3, kind: "images")
    let labels = try IDXFile(path: labelPath, rank: 1, kind: "labels")
    guard images.shape[0] == labels.shape[0] else {
      throw TernError(
        .format, "\(imagePath) holds \(images.shape[0]) images, \(labelPath) holds \(labels.shape[0]) labels",
        remedy: "give files that belong together")
    }
    guard images.bytes.count > 0 else {
      throw TernError(
        .format, "\(imagePath) holds no pixels: its shape is \(images.shape)", remedy: "give a file with images")
    }
    return ImageDataset(
      pixels: images.bytes, labels: labels.bytes, height: images.shape[1], width: images.shape[2])
  }

  private static func find(_ stem: String, _ type: String, in directory: String) throws -> String {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw TernError(
        .file, "no directory \(directory)", remedy: "name a directory with IDX files such as \(stem)-\(type).gz")
    }
    for name in ["\(stem)-\(type)", "\(stem).\(type)"] {
      for suffix in ["", ".gz"] {
        let path = (directory as NSString).appendingPathComponent(name + suffix)
        if FileManager.default.fileExists(atPath: path) { return path }
      }
    }
    throw TernError(
      .file, "no file \(stem)-\(type) or \(stem)-\(type).gz in \(directory)",
      remedy: "put the data set's four IDX files there")
  }
}
