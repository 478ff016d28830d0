// SPDX-License-Identifier: MIT
import Tern
import TernNN
import TestSupport
import Testing

/// Random numbers, initializers, clipping and optimizers of nothing, and with gradients that are not finite.
@Suite struct TrainingEdgeTests {
  /// A module of one parameter.
  private struct One: Module {
    let weight: Parameter
    init(_ weight: Tensor) { self.weight = Parameter(weight) }
  }

  private static func gradients(_ model: One, _ gradient: [Float]) -> Gradients {
    let factors = Tensor(gradient, shape: model.weight.value.shape, on: model.weight.value.device)
    return valueAndGradients(of: model) { (model.weight.value * factors).sum() }.gradients
  }

  @Test func drawsOfNothingAndOfOne() throws {
    for device in TestDevices.all {
      let generator = RandomGenerator(seed: 1)
      for shape in [[0], [2, 0], [1, 1]] {
        let draws = [
          Tensor.randomUniform(shape, generator: generator, on: device),
          Tensor.randomNormal(shape, generator: generator, on: device),
          Tensor.randomMask(shape, keeping: 0.5, generator: generator, dtype: .float32, on: device),
        ]
        for draw in draws {
          #expect(draw.shape == shape)
          #expect(try draw.isFinite().all().scalar(as: Bool.self))
        }
      }
      // Each draw counts, whatever its size.
      #expect(generator.state.stream == 9)
      let infinite = Tensor.randomNormal([3], mean: .infinity, deviation: 1, on: device)
      try expectClose(infinite, [inf, inf, inf])
      let none = withMode(.training) { dropout(Tensor.zeros([0, 3], on: device), probability: 0.5) }
      #expect(none.shape == [0, 3])
      try expectClose(Tensor.randomUniform([3], low: 2, high: 2, on: device), [2, 2, 2])
    }
  }

  @Test func permutationsOfNothingAndOfOne() {
    let generator = RandomGenerator(seed: 1)
    #expect(generator.permutation(of: 0) == [])
    #expect(generator.permutation(of: 1) == [0])
    #expect(generator.hostWords(0) == [])
  }

  /// One weight by itself; and a layer without inputs or outputs, which has no fan.
  @Test func initializersOfOneAndOfNothing() async throws {
    let plain: [Initializer] = [.uniform(-1, 1), .normal(), .truncatedNormal(), .constant(2)]
    let scaled: [Initializer] = [.he(), .xavier(), .lecun(), .standard, .orthogonal()]
    for (shape, initializers) in [([1, 1], plain + scaled), ([0, 3], plain), ([3, 0], plain)] {
      for initializer in initializers {
        let weight = initializer(shape, generator: RandomGenerator(seed: 3), on: .cpu)
        #expect(weight.shape == shape)
        #expect(try weight.isFinite().all().scalar(as: Bool.self))
      }
    }
    let trapped = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Initializer.he()([0, 3], on: .cpu)
    }
    let message = String(decoding: try #require(trapped).standardErrorContent, as: UTF8.self)
    #expect(message.contains("Initializer: the fan of shape [0, 3] is undefined"))
  }

  @Test func clippingOfGradientsThatAreNotFinite() throws {
    for device in TestDevices.all {
      let model = One(Tensor([1, 2, 3] as [Float], on: device))
      let odd = Self.gradients(model, [3, .nan, 4]), infinite = Self.gradients(model, [3, .infinity, 4])
      func weight(_ gradients: Gradients) throws -> Tensor { try #require(gradients["weight"]) }
      // A norm that is NaN spoils all; an infinite one leaves 0, and NaN where it came from.
      try expectClose(weight(odd.clipped(byNorm: 1)), [nan, nan, nan])
      try expectClose(weight(infinite.clipped(byNorm: 1)), [0, nan, 0])
      try expectClose(weight(odd.clipped(byValue: 3.5)), [3, nan, 3.5])
      try expectClose(weight(infinite.clipped(byValue: 3.5)), [3, 3.5, 3.5])
      try expectClose(weight(Self.gradients(model, [0, 0, 0]).clipped(byNorm: 1)), [0, 0, 0])
      let nothing = One(Tensor.zeros([0, 2], on: device))
      let none = Self.gradients(nothing, [])
      #expect(try none.norm().scalar(as: Float.self) == 0)
      #expect(try none.norm(.maximum).scalar(as: Float.self) == 0)
      #expect(try weight(none.clipped(byNorm: 1)).shape == [0, 2])
    }
  }

  /// A step of each optimizer, on a parameter and its gradient.
  private static let steps: [(String, @Sendable (One, Gradients) throws -> Void)] = [
    ("SGD", { try step(SGD(learningRate: 0.1, momentum: 0.9), $0, $1) }),
    ("Adam", { try step(Adam(learningRate: 0.1), $0, $1) }),
    ("AdamW", { try step(AdamW(learningRate: 0.1), $0, $1) }),
    ("NAdam", { try step(NAdam(learningRate: 0.1), $0, $1) }),
    ("RAdam", { try step(RAdam(learningRate: 0.1), $0, $1) }),
    ("Adamax", { try step(Adamax(learningRate: 0.1), $0, $1) }),
    ("Adagrad", { try step(Adagrad(learningRate: 0.1), $0, $1) }),
    ("Adadelta", { try step(Adadelta(learningRate: 0.1), $0, $1) }),
    ("RMSprop", { try step(RMSprop(learningRate: 0.1), $0, $1) }),
    ("Lion", { try step(Lion(learningRate: 0.1), $0, $1) }),
    ("LAMB", { try step(LAMB(learningRate: 0.1), $0, $1) }),
  ]

  private static func step(_ optimizer: some Optimizer, _ model: One, _ gradients: Gradients) throws {
    var optimizer = optimizer
    try optimizer.update(model, with: gradients)
  }

  @Test(arguments: steps.map(\.0)) func optimizersOfNothingAndOfNaN(name: String) throws {
    let step = Self.steps.first { $0.0 == name }!.1
    for device in Device.all {
      let nothing = One(Tensor.zeros([0, 2], on: device))
      try step(nothing, Self.gradients(nothing, []))
      #expect(nothing.weight.value.shape == [0, 2])
      // A gradient of 0 moves nothing: no optimizer divides 0 by 0.
      let still = One(Tensor([1] as [Float], on: device))
      try step(still, Self.gradients(still, [0]))
      try expectClose(still.weight.value, [name == "AdamW" ? 0.999 : 1], relative: 1e-3, name)
      // A gradient that is NaN is seen, and only there.
      let odd = One(Tensor([1, 2] as [Float], on: device))
      try step(odd, Self.gradients(odd, [.nan, 1]))
      let after = try odd.weight.value.scalars(as: Float.self)
      #expect(after[0].isNaN, "\(name) on \(device)")
      #expect(after[1].isFinite, "\(name) on \(device)")
    }
  }
}
