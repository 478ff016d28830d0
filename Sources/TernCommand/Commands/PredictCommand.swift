// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernData
import TernNN
import TernRuntime

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Tells which digit a picture shows.",
    discussion: """
      The picture is a portable grey map (PGM, P2 or P5) of any size with one digit, dark on light or light on dark. \
      Unless it is 28 x 28 pixels, it is cropped to its ink, scaled and centred as the MNIST digits are.

      Example: tern predict --checkpoint lenet5.safetensors seven.pgm
      """)

  @OptionGroup var saved: SavedModelOptions
  @OptionGroup var device: DeviceOptions

  @Argument(help: ArgumentHelp("Picture to look at.", valueName: "IMAGE.pgm"))
  var image: String

  @Flag(help: "Print one JSON object on standard output and nothing else.")
  var json = false

  func validate() throws { try checkPaths(["IMAGE.pgm": image]) }

  func run() throws {
    let device = try device.resolve()
    let (specification, model) = try saved.load(on: device)
    let pixels: [UInt8]
    do {
      pixels = try GrayImage(pgm: image).normalizedDigit()
    } catch let error as TernError where !error.message.contains(image) {
      throw TernError(error.code, "\(image): \(error.message)", remedy: error.remedy, cause: error.cause)
    }
    let side = ModelSpecification.side
    let input = Tensor(ImageNormalization.digits(pixels), shape: [1, 1, side, side], on: device)
    let probabilities = try softmax(specification.outputs(of: model, input).cast(to: .float32)).scalars(as: Float.self)
    let ranking = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
    if json {
      try printJSON(
        Prediction(
          model: specification.label, device: device.description, label: ranking[0], probabilities: probabilities))
    } else {
      let others = ranking[1...2].map { "\($0) \(decimal(Double(probabilities[$0]), 4))" }
      try printResult(
        "\(ranking[0])  (probability \(decimal(Double(probabilities[ranking[0]]), 4)))\n"
          + "next: \(others.joined(separator: ", "))")
    }
  }
}

/// What a network makes of a picture, as `tern predict --json` prints it.
private struct Prediction: Encodable {
  let model: String
  let device: String
  let label: Int
  /// Of the classes 0, 1, …
  let probabilities: [Float]
}
