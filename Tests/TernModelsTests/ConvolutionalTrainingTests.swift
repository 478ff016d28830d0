// SPDX-License-Identifier: MIT
import Tern
import TernModels
import TernNN
import Testing

/// Residual and separable networks in small: shapes, and short trainings on every device.
@Suite struct ConvolutionalTrainingTests {
  enum Model: String, CaseIterable, Sendable {
    case basic, bottleneck, imageNet, mobileNet

    func make(classes: Int = 4) -> any Layer {
      let generator = RandomGenerator(seed: 5)
      return switch self {
      case .basic:
        ResNet(
          blocks: [1, 1, 1, 1], of: .basic, stem: .cifar, width: 4, classes: classes, channels: 2, generator: generator)
      case .bottleneck:
        ResNet(
          blocks: [1, 1, 1, 1], of: .bottleneck, stem: .cifar, width: 4, classes: classes, channels: 2,
          generator: generator)
      case .imageNet:
        ResNet(blocks: [1, 1, 1, 1], of: .basic, width: 8, classes: classes, channels: 2, generator: generator)
      case .mobileNet:
        MobileNet(
          stem: .init(8), steps: [.init(12), .init(16, stride: 2), .init(16)], classes: classes, channels: 2,
          generator: generator)
      }
    }
  }

  /// Images whose class says which channel is brighter or darker than its noise.
  private func images(_ count: Int, side: Int, on device: Device) -> (images: Tensor, labels: Tensor) {
    let noise = Tensor.randomNormal(
      [count, 2, side, side], deviation: 0.5, generator: RandomGenerator(seed: 6), on: device)
    let labels = (0..<count).map { $0 * 3 % 4 }
    let light = labels.flatMap { label -> [Float] in
      let sign: Float = label % 2 == 0 ? 1 : -1
      return label < 2 ? [sign, 0] : [0, sign]
    }
    return ((noise + Tensor(light, shape: [count, 2, 1, 1], on: device)).evaluated(), Tensor(labels, on: device))
  }

  @Test(arguments: Device.all, Model.allCases) func lossFalls(_ device: Device, _ kind: Model) throws {
    try withDevice(device) {
      let model = kind.make()
      let (images, labels) = images(16, side: kind == .imageNet ? 32 : 16, on: device)
      var optimizer = SGD(learningRate: 0.1, momentum: 0.9), losses: [Tensor] = []
      for _ in 0..<12 {
        let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(model(images), labels) }
        try optimizer.update(model, with: gradients)
        losses.append(loss.evaluated())
      }
      let values = try losses.map { try $0.scalar(as: Float.self) }
      #expect(values[11] < 0.6 * values[0], "\(values)")
    }
  }

  @Test(arguments: Device.all.dropFirst(), Model.allCases)
  func devicesAgreeOnGradients(_ device: Device, _ kind: Model) throws {
    func gradients(_ device: Device) throws -> [(name: String, values: [Double])] {
      try withDevice(device) {
        let model = kind.make()
        let (images, labels) = images(8, side: 16, on: .cpu)
        let (x, y) = (try images.on(device), try labels.on(device))
        let (_, gradients) = valueAndGradients(of: model) { crossEntropy(model(x), y) }
        return try zip(model.parameters(), gradients.values).map { ($0.name, try $1.scalars(as: Double.self)) }
      }
    }
    for (expected, actual) in zip(try gradients(.cpu), try gradients(device)) {
      let norm = expected.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let distance = zip(expected.values, actual.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      // Normalization over the few pixels of the last stage enlarges rounding errors.
      #expect(distance <= 1e-3 * norm + 1e-6, "\(expected.name) on \(device): \(distance) apart at norm \(norm)")
    }
  }

  @Test(arguments: Model.allCases) func outputsAreLogitsOfEachImage(_ kind: Model) {
    withDevice(.cpu) {
      let model = kind.make(classes: 7)
      #expect(model(Tensor.zeros([3, 2, 32, 32])).shape == [3, 7])
      #expect(model(Tensor.zeros([1, 2, 33, 47])).shape == [1, 7], "sizes that strides do not divide")
    }
  }

  @Test func publishedNetsTakeImagesOfTheirSize() {
    withDevice(.cpu) {
      #expect(ResNet(.layers18, classes: 5)(Tensor.zeros([1, 3, 224, 224])).shape == [1, 5])
      #expect(MobileNet(width: 0.25, classes: 5)(Tensor.zeros([1, 3, 224, 224])).shape == [1, 5])
    }
  }

  @Test func wrongSizesTrap() async {
    await #expect(processExitsWith: .failure) { _ = ResNet(blocks: [2, 2, 2], of: .basic) }
    await #expect(processExitsWith: .failure) { _ = MobileNet(width: 0.01) }
    await #expect(processExitsWith: .failure) { _ = MobileNet(stem: .init(8), steps: [], classes: 3) }
  }
}
