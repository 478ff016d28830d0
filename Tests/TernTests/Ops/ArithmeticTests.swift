// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct ArithmeticTests {
  struct Binary: Sendable, CustomTestStringConvertible {
    let name: String
    let tensor: @Sendable (Tensor, Tensor) -> Tensor
    let reference: @Sendable (Double, Double) -> Double
    var testDescription: String { name }
  }

  static let binary: [Binary] = [
    Binary(name: "+", tensor: { $0 + $1 }, reference: { $0 + $1 }),
    Binary(name: "-", tensor: { $0 - $1 }, reference: { $0 - $1 }),
    Binary(name: "*", tensor: { $0 * $1 }, reference: { $0 * $1 }),
    Binary(name: "/", tensor: { $0 / $1 }, reference: { $0 / $1 }),
    Binary(name: "maximum", tensor: { maximum($0, $1) }, reference: { Swift.max($0, $1) }),
    Binary(name: "minimum", tensor: { minimum($0, $1) }, reference: { Swift.min($0, $1) }),
    Binary(name: "pow", tensor: { Tern.pow($0, $1) }, reference: { Foundation.pow($0, $1) }),
    Binary(
      name: "where", tensor: { Tern.where($0 .> $1, $0 * 2, $1 * 3) }, reference: { $0 > $1 ? $0 * 2 : $1 * 3 }),
  ]

  /// Shapes of the operands and of the result.
  static let shapes: [([Int], [Int], [Int])] = [
    ([3], [3], [3]), ([2, 1, 5], [3, 1], [2, 3, 5]), ([], [4], [4]), ([1], [31, 33], [31, 33]),
    ([0, 3], [1, 3], [0, 3]),
  ]

  @Test(arguments: Device.all, binary) func broadcasts(_ device: Device, _ op: Binary) throws {
    for (a, b, shape) in Self.shapes {
      let x = sampleTensor(a, shift: 2.1, on: device)
      let y = sampleTensor(b, scale: 0.7, shift: 1.5, phase: 1, on: device)
      let result = op.tensor(x, y)
      #expect(result.shape == shape)
      let (u, v) = (
        try x.broadcast(to: shape).scalars(as: Double.self), try y.broadcast(to: shape).scalars(as: Double.self)
      )
      try expectClose(result, zip(u, v).map(op.reference), relative: 3e-6, op.name)
    }
  }

  @Test(arguments: Device.all, binary) func hasGradients(_ device: Device, _ op: Binary) throws {
    // No two values are nearer than 0.1, ten steps of the differences: some operations have a kink where they are
    // equal.
    let x = Tensor([1.2 as Float, 2.6, 1.7, 3.1, 0.9, 2.2], shape: [2, 1, 3], on: device)
    let y = Tensor([1.5 as Float, 1.95, 2.4], shape: [3, 1], on: device)
    try expectGradients([x, y], op.name) { op.tensor($0[0], $0[1]) }
  }

  @Test(arguments: Device.all) func numbersStandOnEitherSide(_ device: Device) throws {
    let x = sampleTensor([5], shift: 2, on: device)
    let values = try x.scalars(as: Double.self)
    try expectClose(3 - x, values.map { 3 - $0 })
    try expectClose(x - 3, values.map { $0 - 3 })
    try expectClose(2 / x, values.map { 2 / $0 })
    try expectClose(x / 2, values.map { $0 / 2 })
    try expectGradients([x]) { (3 - $0[0]) * (2 / $0[0]) + ($0[0] / 4 - 1) }
  }

  @Test(arguments: Device.all) func integersWrapAndDivideDownwards(_ device: Device) throws {
    let x = Tensor([Int32.max, -7, 7, 5], on: device)
    let y = Tensor([Int32(1), 2, -2, 0], on: device)
    #expect(try (x + y).scalars(as: Int32.self) == [Int32.min, -5, 5, 5])
    #expect(try x.floorDivided(by: y).scalars(as: Int32.self) == [Int32.max, -4, -4, 0])
    #expect(try (x * 2).scalars(as: Int32.self) == [-2, -14, 14, 10])
    #expect(try maximum(x, y).scalars(as: Int32.self) == [Int32.max, 2, 7, 5])
    let wide = Tensor([Int64.max, 3], on: device)
    #expect(try (wide + wide).scalars(as: Int64.self) == [-2, 6])
  }

  @Test(arguments: Device.all) func tiesShareTheGradient(_ device: Device) throws {
    let x = Tensor([1 as Float, 2], on: device)
    let (_, gradients) = valueAndGradients(at: [x, x + 0]) { maximum($0[0], $0[1]).sum() }
    for gradient in gradients { try expectClose(gradient, [0.5, 0.5]) }
  }

  @Test(arguments: Device.all) func clampStopsGradientsOutside(_ device: Device) throws {
    let x = Tensor([-2 as Float, -0.5, 0.5, 3], on: device)
    try expectClose(clamp(x, min: -1, max: 1), [-1, -0.5, 0.5, 1])
    try expectClose(clamp(x, max: 1), [-2, -0.5, 0.5, 1])
    try expectClose(gradient(at: x) { clamp($0, min: -1, max: 1).sum() }, [0, 1, 1, 0])
  }

  @Test(arguments: Device.all) func comparisonsFollowIEEE(_ device: Device) throws {
    let x = Tensor([1 as Float, 2, .nan, .infinity], on: device)
    let y = Tensor([2 as Float, 2, .nan, 1], on: device)
    #expect(try (x .< y).scalars(as: Bool.self) == [true, false, false, false])
    #expect(try (x .>= y).scalars(as: Bool.self) == [false, true, false, true])
    #expect(try (x .== y).scalars(as: Bool.self) == [false, true, false, false])
    #expect(try (x .!= y).scalars(as: Bool.self) == [true, false, true, true])
    #expect(try ((x .> 1) .& .!(y .== 2)).scalars(as: Bool.self) == [false, false, false, true])
    #expect(try x.isFinite().scalars(as: Bool.self) == [true, true, false, false])
    #expect(try maximum(x, y).scalars(as: Float.self)[2].isNaN)
  }

  @Test func mismatchesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor([1 as Float, 2], on: .cpu) + Tensor([1 as Float, 2, 3], on: .cpu)
    }
    await #expect(processExitsWith: .failure) { _ = Tensor([1 as Float], on: .cpu) + Tensor([1], on: .cpu) }
    await #expect(processExitsWith: .failure) { _ = Tensor([1], on: .cpu) * 0.5 }
    await #expect(processExitsWith: .failure) { _ = Tensor([true], on: .cpu) + Tensor([true], on: .cpu) }
  }
}
