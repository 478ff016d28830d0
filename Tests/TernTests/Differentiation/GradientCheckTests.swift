// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct GradientCheckTests {
  @Test(arguments: Device.all) func rightGradientsPass(_ device: Device) throws {
    let (x, w) = (sampleTensor([4, 3], on: device).transposed(), sampleTensor([4, 2], scale: 30, on: device))
    let check = try gradientCheck(of: { tanh(matmul($0[0], $0[1]) * 0.1).sum() }, at: [x, w], names: ["x", "w"])
    #expect(check.passes(tolerance: 2e-3), "\(check)")
    #expect(check.parts.map(\.name) == ["x", "w"] && check.parts.map(\.count) == [12, 8])
    #expect(check.relativeNorm > 0, "differences are never exact")
  }

  @Test func aWrongElementIsNamed() throws {
    /// The square, with the derivative of one element doubled.
    func wrong(_ x: Tensor) -> Tensor {
      square(x.detached()).recorded("wrong", from: [x], saving: .inputs) { gradient, saved in
        let factor = Tensor([2, 2, 2, 2, 4, 2] as [Float], shape: [2, 3], on: .cpu)
        return [gradient * factor * saved[0]]
      }
    }
    let x = sampleTensor([2, 3], shift: 2)
    let check = try gradientCheck(of: { wrong($0).sum() }, at: x)
    #expect(!check.passes() && check.worst?.worst?.position == [1, 1])
    let worst = try #require(check.parts[0].worst)
    let value = try x[1, 1].scalar(as: Double.self)
    #expect(abs(worst.computed - 4 * value) < 1e-4 && abs(worst.measured - 2 * value) < 1e-2)
    #expect(check.description.contains("x: ") && check.description.contains("[1, 1]"))
    // The norm, of derivatives that are known.
    let numbers = try x.scalars(as: Double.self).map { 2 * $0 }
    let length = numbers.reduce(0) { $0 + $1 * $1 }
    let computed = length + 3 * numbers[4] * numbers[4]
    #expect(abs(check.relativeNorm - numbers[4] / (length.squareRoot() + computed.squareRoot())) < 1e-3)
  }

  @Test func aWrongSecondDerivativeIsSeen() throws {
    /// The cube, whose gradient forgets that it depends on x in one element.
    func wrong(_ x: Tensor) -> Tensor {
      customGradient(at: x) {
        pow($0, 3)
      } pullback: { gradient, saved in
        let (x, mask) = (saved.inputs[0], Tensor([1, 1, 0] as [Float], on: .cpu))
        return gradient * 3 * square(x * mask + x.detached() * (1 - mask))
      }
    }
    let x = sampleTensor([3], shift: 2)
    #expect(try gradientCheck(of: { wrong($0).sum() }, at: x).passes(), "the first derivative is right")
    let check = try gradientCheck(of: { wrong($0).sum() }, at: x, order: 2)
    #expect(!check.passes() && check.worst?.worst?.position == [2] && check.worst?.worst?.computed == 0, "\(check)")
    #expect(try gradientCheck(of: { pow($0, 3).sum() }, at: x, order: 2).passes(tolerance: 2e-3))
  }

  @Test func someElementsOfManyAreCompared() throws {
    var evaluations = 0
    let check = try gradientCheck(
      of: {
        evaluations += 1
        return square($0).sum()
      }, at: sampleTensor([10, 100]), elementsPerTensor: 7)
    #expect(check.parts[0].count == 7 && evaluations == 15)
    #expect(check.passes())
    // No gradient at all is right, too.
    #expect(try gradientCheck(of: { ($0 * 0).sum() }, at: sampleTensor([2])).relativeNorm == 0)
  }
}
