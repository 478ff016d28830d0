// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernModels
import TernNN

/// The networks that the tool can train.
enum ModelName: String, CaseIterable, ExpressibleByArgument {
  case logistic, mlp, lenet5
}

/// Everything needed to build a network again; checkpoints keep it among their strings.
struct ModelSpecification: Equatable {
  static let side = 28
  static let classes = 10
  private static let nameKey = "tern.model"
  private static let classicKey = "tern.classic"
  private static let precisionKey = "tern.precision"

  let name: ModelName
  let isClassic: Bool
  /// What weights and activations are stored in.
  let precision: Precision

  init(_ name: ModelName, isClassic: Bool = false, precision: Precision = .float32) {
    self.name = name
    self.isClassic = isClassic
    self.precision = precision
  }

  /// Reads what a checkpoint says that it holds.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` if it does not name one of the tool's networks.
  init(metadata: [String: String], path: String) throws {
    guard let text = metadata[Self.nameKey], let name = ModelName(rawValue: text) else {
      let found =
        metadata[Self.nameKey].map { "names the unknown model '\($0)'" } ?? "does not say which model it holds"
      throw TernError(
        .checkpointMismatch, "\(path) \(found)",
        remedy: "use a file that `tern train --checkpoint` wrote (models: \(ModelName.list))")
    }
    // Files without it hold Float32, in which weights of any type can be used.
    let word = metadata[Self.precisionKey] ?? Precision.float32.rawValue
    guard let precision = Precision(rawValue: word) else {
      throw TernError(
        .checkpointMismatch, "\(path) is of the unknown precision '\(word)'",
        remedy: "use the program that wrote it (this one knows \(Precision.list))")
    }
    self.init(name, isClassic: metadata[Self.classicKey] == "true", precision: precision)
  }

  var metadata: [String: String] {
    [Self.nameKey: name.rawValue, Self.classicKey: "\(isClassic)", Self.precisionKey: precision.rawValue]
  }

  /// What reports call the model.
  var label: String {
    name.rawValue + (isClassic ? "-classic" : "") + (precision == .float32 ? "" : "-\(precision)")
  }

  /// Builds the network with initial weights on `Device.current`.
  func makeModel(generator: RandomGenerator) -> any Layer {
    let model: any Layer =
      switch name {
      case .logistic: LogisticRegression(inputs: Self.side * Self.side, classes: Self.classes, generator: generator)
      case .mlp: MLP([Self.side * Self.side, 512, 512, Self.classes], generator: generator)
      case .lenet5: LeNet5(classic: isClassic, classes: Self.classes, generator: generator)
      }
    model.cast(to: precision.dtype)
    return model
  }

  /// What a network of this kind makes of Float32 images.
  func outputs(of model: some Layer, _ images: Tensor) -> Tensor { model(images.cast(to: precision.dtype)) }
}

extension ModelName {
  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
