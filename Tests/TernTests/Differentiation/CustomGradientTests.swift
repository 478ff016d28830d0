// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct CustomGradientTests {
  @Test(arguments: Device.all) func thePullbackIsTheDerivative(_ device: Device) throws {
    let x = sampleTensor([2, 3], scale: 3, on: device)
    let y = gradient(at: x) {
      (customGradient(at: $0, saving: .none) {
        round($0)
      } pullback: { gradient, _ in
        gradient
      } * 2).sum()
    }
    try expectClose(y, Array(repeating: 2, count: 6))
    // Outside of a scope it is the function alone.
    let value = customGradient(at: x) {
      square($0)
    } pullback: { gradient, _ in
      gradient
    }
    try expectClose(value, try x.scalars(as: Double.self).map { $0 * $0 })
    // What is saved is what was given, and inputs that nobody asks for are told apart.
    let weights = sampleTensor([3], phase: 1, on: device)
    let (_, gradients) = valueAndGradients(at: [weights]) { leaves in
      customGradient(at: [x, leaves[0]], saving: .inputsAndOutput) {
        $0[0] * $0[1]
      } pullback: { gradient, saved in
        #expect(!saved.needsGradient(of: 0) && saved.needsGradient(of: 1))
        return [nil, (gradient * saved.output / saved.inputs[1]).sum(along: 0)]
      }.sum()
    }
    try expectClose(gradients[0], try x.sum(along: 0).scalars(as: Double.self), relative: 1e-5, absolute: 1e-5)
  }

  @Test func nothingInsideIsRecorded() throws {
    let x = sampleTensor([2])
    let slope = gradient(at: x) { leaf in
      customGradient(at: leaf) { inner in
        #expect(inner.node == nil)
        return exp(inner)
      } pullback: { gradient, _ in
        gradient * 0
      }.sum()
    }
    try expectClose(slope, [0, 0])
  }

  @Test func recomputedBlocksTakeThem() throws {
    let x = sampleTensor([3])
    let slope = gradient(at: x) {
      recompute($0) { x in
        customGradient(at: x * 2, saving: .output) {
          sin($0)
        } pullback: { gradient, saved in
          gradient * saved.output
        }
      }.sum()
    }
    try expectClose(slope, try (sin(x * 2) * 2).scalars(as: Double.self))
  }

  @Test func aWrongShapeTrapsWithNameAndShapes() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = gradient(at: Tensor.ones([2, 3], on: .cpu)) { x in
        customGradient(at: x, name: "mine") {
          $0 * 2
        } pullback: { gradient, _ in
          gradient.sum(along: 0)
        }.sum()
      }
    }
    let said = message(of: result)
    #expect(said.contains("mine: the gradient of input 0 must be float32 [2, 3]") && said.contains("[3]"))
  }
}
