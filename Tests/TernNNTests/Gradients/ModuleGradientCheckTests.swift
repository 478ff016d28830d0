// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct ModuleGradientCheckTests {
  @Test(arguments: [Mode.training, .inference]) func aNoisyModelPassesAndStaysAsItWas(_ mode: Mode) throws {
    let model = withDevice(.cpu) { NoisyNet(seed: 3) }
    let (x, labels) = (sampleTensor([6, 5]), Tensor([0, 1, 2, 2, 1, 0], on: .cpu))
    let before = try model.stateTensors().map { try $0.tensor.scalars(as: Float.self) }
    let state = model.dropout.generator.state
    let check = try gradientCheck(of: model, mode: mode, elementsPerTensor: 6) { crossEntropy(model(x), labels) }
    #expect(check.passes(), "\(check)")
    #expect(check.parts.map(\.name) == model.parameters().map(\.name))
    #expect(check.parts.allSatisfy { $0.count <= 6 })
    #expect(try model.stateTensors().map { try $0.tensor.scalars(as: Float.self) } == before)
    #expect(model.dropout.generator.state == state)
  }

  @Test func aWrongGradientIsSeen() throws {
    let model = withDevice(.cpu) { Linear(3, 2) }
    let x = sampleTensor([4, 3])
    // Half of the loss is out of sight of differentiation.
    let check = try gradientCheck(of: model) {
      let y = model(x)
      return (square(y) + square(y.detached())).sum()
    }
    #expect(!check.passes() && check.worst != nil)
  }
}
