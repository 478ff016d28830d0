// SPDX-License-Identifier: MIT
import Tern
import TernModels
import TernNN

extension Case {
  /// Whole training steps on one batch: forward, gradients, update. Operations are those of the linear and convolution
  /// layers' multiply-adds for one sample, three times: forward, and for the gradients of inputs and weights.
  static let trainingCases: [Case] = [
    training("train_mlp_b128", mlp, inputs: [128, 784], multiplyAdds: 668_672) { Adam(learningRate: 1e-3) },
    training("train_lenet5_b64", lenet5, inputs: [64, 1, 28, 28], multiplyAdds: 416_520) {
      SGD(learningRate: 0.01, momentum: 0.9)
    },
    training("train_resnet18_cifar_b32", resnet18, inputs: [32, 3, 32, 32], multiplyAdds: 555_422_720) {
      SGD(learningRate: 0.1, momentum: 0.9)
    },
    training("train_mobilenet_cifar_b32", mobileNet, inputs: [32, 3, 32, 32], multiplyAdds: 16_525_824) {
      SGD(learningRate: 0.1, momentum: 0.9)
    },
  ]

  @Sendable static func mlp() -> Sequential {
    Sequential(Linear(784, 512, activation: .relu), Linear(512, 512, activation: .relu), Linear(512, 10))
  }

  /// LeNet-5 with tanh and average pooling, but with every map connected to every other: 61,706 parameters.
  @Sendable static func lenet5() -> Sequential {
    Sequential(
      Conv2D(1, 6, kernel: 5, padding: 2, activation: .tanh), AveragePool2D(2),
      Conv2D(6, 16, kernel: 5, activation: .tanh), AveragePool2D(2), Flatten(),
      Linear(400, 120, activation: .tanh), Linear(120, 84, activation: .tanh), Linear(84, 10))
  }

  /// ResNet-18 for images of 32 x 32 pixels: 11,173,962 parameters.
  @Sendable static func resnet18() -> ResNet { ResNet(.layers18, stem: .cifar, classes: 10) }

  /// Five separable convolutions for images of 32 x 32 pixels.
  @Sendable static func mobileNet() -> MobileNet {
    typealias Step = MobileNet.Step
    return MobileNet(
      stem: Step(32), steps: [Step(64), Step(128, stride: 2), Step(128), Step(256, stride: 2), Step(256)], classes: 10)
  }

  private static func training(
    _ name: String, _ makeModel: @escaping @Sendable () -> any Layer, inputs shape: [Int],
    multiplyAdds: Double, optimizer: @escaping @Sendable () -> any Optimizer
  ) -> Case {
    let batch = shape[0]
    return Case(
      name: name, family: .training, work: Double(batch), unit: "samples/s",
      operations: 3 * 2 * multiplyAdds * Double(batch) / 1e9
    ) { device in
      let generator = RandomGenerator(seed: 1)
      let inputs = Tensor.randomNormal(shape, generator: generator, on: device).evaluated()
      let labels = Tensor(generator.hostWords(batch).map { Int32($0 % 10) }, on: device)
      let model = withDevice(device) { makeModel() }
      let parameters = model.parameters()
      var optimizer = optimizer()
      return {
        let (_, gradients) = valueAndGradients(of: parameters) { crossEntropy(model(inputs), labels) }
        try optimizer.update(parameters, with: gradients)
      }
    }
  }
}
