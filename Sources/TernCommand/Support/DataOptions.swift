// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernData

/// Where images come from.
struct DataOptions: ParsableArguments {
  private static let trainingDigits = 10_000
  private static let testDigits = 2_000

  @Option(
    help: ArgumentHelp(
      "Images to use: 'digits', drawn by the tool itself, or a directory with IDX files, plain or gzip.",
      discussion: """
        A directory holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
        t10k-labels-idx1-ubyte, each possibly with .gz, as the MNIST database has them. 'digits' are always the same \
        \(trainingDigits) training and \(testDigits) test images.
        """, valueName: "digits|DIR"))
  var data = "digits"

  @Option(help: ArgumentHelp("Use only the first N images of each split.", valueName: "N"))
  var limit: Int?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1, got \(limit)") }
    try checkPaths(["--data": data])
  }

  /// Reads or draws one split.
  ///
  /// - Throws: `TernError` if files are missing or damaged, or hold something else than ten classes of 28 x 28 images.
  func load(_ split: DatasetSplit) throws -> NormalizedImages {
    if data == "digits" {
      let count = split == .train ? Self.trainingDigits : Self.testDigits
      return NormalizedImages(.digits(count: min(count, limit ?? count), split: split))
    }
    let images = try ImageDataset.idx(directory: data, split: split)
    let side = ModelSpecification.side
    guard images.width == side && images.height == side else {
      throw TernError(
        .format,
        "\(data): the \(split) images are \(images.width) x \(images.height) pixels, models take \(side) x \(side)",
        remedy: "give images of that size")
    }
    if let wrong = images.labels.first(where: { $0 >= ModelSpecification.classes }) {
      throw TernError(
        .format,
        "\(data): a \(split) label is \(wrong), models know the classes 0 to \(ModelSpecification.classes - 1)",
        remedy: "give data with ten classes")
    }
    return NormalizedImages(limit.map { images.prefix($0) } ?? images)
  }
}
