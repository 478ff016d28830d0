// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernModels
import TernNN

/// The networks that `tern profile` knows: those of `tern train`, and larger ones that the tool has no images for.
enum ProfiledModel: String, CaseIterable, ExpressibleByArgument {
  case logistic, mlp, lenet5, resnet18, resnet50, mobilenet

  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// The network as `tern train` builds it, if it does.
  private var trained: ModelName? { ModelName(rawValue: rawValue) }

  /// Pixels of an image's side; nil where only one number is possible.
  var takesImageSize: Bool { trained == nil }
  var defaultImageSize: Int { takesImageSize ? 32 : ModelSpecification.side }
  private var channels: Int { takesImageSize ? 3 : 1 }

  /// From this size on networks are built as for ImageNet, with 1,000 classes; below as for CIFAR-10.
  static let largeImageSize = 64

  /// A training step on one batch of random images and labels, made on the device.
  func makeStep(
    batchSize: Int, imageSize: Int, optimizer: any Optimizer, on device: Device
  ) -> () throws -> Void {
    let generator = RandomGenerator(seed: 0)
    let model = withDevice(device) { makeModel(imageSize: imageSize, generator: generator) }
    let shape = [batchSize, channels, imageSize, imageSize]
    let images = Tensor.randomNormal(shape, generator: generator, on: device).evaluated()
    let labels = Tensor(generator.hostWords(batchSize).map { Int32($0 % 10) }, on: device)
    let parameters = model.parameters()
    var optimizer = optimizer
    return {
      let (_, gradients) = valueAndGradients(of: parameters) { crossEntropy(model(images), labels) }
      try optimizer.update(parameters, with: gradients)
    }
  }

  private func makeModel(imageSize: Int, generator: RandomGenerator) -> any Layer {
    if let trained { return ModelSpecification(trained).makeModel(generator: generator) }
    let isLarge = imageSize >= Self.largeImageSize
    let classes = isLarge ? 1000 : 10
    typealias Step = MobileNet.Step
    switch self {
    case .mobilenet where isLarge: return MobileNet(classes: classes, generator: generator)
    case .mobilenet:
      return MobileNet(
        stem: Step(32), steps: [Step(64), Step(128, stride: 2), Step(128), Step(256, stride: 2), Step(256)],
        classes: classes, generator: generator)
    default:
      return ResNet(
        self == .resnet18 ? .layers18 : .layers50, stem: isLarge ? .imageNet : .cifar, classes: classes,
        generator: generator)
    }
  }
}
