// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

/// Critics that are held to slopes of length 1 (Gulrajani et al.: "Improved training of Wasserstein GANs", 2017).
@Suite struct GradientPenaltyTests {
  /// `mean of (|gradient of D at x| - 1)²`, as a function of the critic's parameters.
  private func penalty(_ critic: some Layer, _ x: Tensor) -> Tensor {
    let slopes = gradient(at: x, createGraph: true) { critic($0).sum() }
    return square(slopes.flattened(from: 1).norm(along: 1) - 1).mean()
  }

  /// The critic's whole loss on real and made inputs and those between.
  private func loss(_ critic: some Layer, real: Tensor, made: Tensor) -> Tensor {
    let between = real * 0.3 + made * 0.7
    return critic(made).mean() - critic(real).mean() + penalty(critic, between) * 10
  }

  private func expectLearning(_ critic: some Layer, _ shape: [Int], steps: Int, on device: Device) throws {
    let real = sampleTensor(shape, shift: 0.5, on: device)
    let made = sampleTensor(shape, shift: -0.5, phase: 1, on: device)
    let check = try gradientCheck(of: critic, elementsPerTensor: 2) { loss(critic, real: real, made: made) }
    #expect(check.passes(tolerance: 2e-2), "\(device): \(check)")
    func value() throws -> Float { try penalty(critic, real * 0.3 + made * 0.7).scalar(as: Float.self) }
    let before = try value()
    var optimizer = Adam(learningRate: 2e-2)
    for _ in 0..<steps {
      let (_, gradients) = valueAndGradients(of: critic) { loss(critic, real: real, made: made) }
      try optimizer.update(critic, with: gradients)
    }
    #expect(try value() < before * 0.3, "\(device): the slopes' lengths do not come nearer to 1 than \(before)")
  }

  @Test(arguments: Device.all) func multilayerCriticsLearnUnderIt(_ device: Device) throws {
    let generator = RandomGenerator(seed: 8)
    let critic = withDevice(device) {
      Sequential(Linear(3, 6, activation: .tanh, generator: generator), Linear(6, 1, generator: generator))
    }
    try expectLearning(critic, [5, 3], steps: 12, on: device)
  }

  @Test(arguments: Device.all) func convolutionalCriticsLearnUnderIt(_ device: Device) throws {
    let generator = RandomGenerator(seed: 9)
    let critic = withDevice(device) {
      Sequential(
        Conv2D(1, 3, kernel: 3, padding: 1, generator: generator), LayerNorm(3, 4, 4), LeakyReLU(negativeSlope: 0.2),
        MaxPool2D(2), Flatten(), Linear(12, 1, generator: generator))
    }
    try expectLearning(critic, [3, 1, 4, 4], steps: 12, on: device)
  }
}
