// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct InitializerTests {
  struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let initializer: Initializer
    let mean: Double
    let deviation: Double
    /// The bound of a uniform distribution; nil for a normal one.
    let bound: Double?
    var testDescription: String { name }
  }

  /// For weights [40, 30, 3, 5]: fan in 450, fan out 600.
  static let shape = [40, 30, 3, 5]
  static let rules: [Rule] = [
    rule("he", .he(), 2.0 / 450), rule("he uniform", .he(.uniform), 2.0 / 450, uniform: true),
    rule("he output", .he(fan: .output), 2.0 / 600), rule("he gain", .he(gain: 1), 1.0 / 450),
    rule("xavier", .xavier(), 2.0 / 1050, uniform: true),
    rule("xavier normal gain", .xavier(.normal, gain: 1.5), 2.25 * 2 / 1050), rule("bengio", .bengio(), 2.0 / 1050),
    rule("lecun", .lecun(), 1.0 / 450), rule("lecun uniform", .lecun(.uniform), 1.0 / 450, uniform: true),
    rule("standard", .standard, 1.0 / (3 * 450), uniform: true),
    Rule(name: "normal", initializer: .normal(mean: 0.5, deviation: 2), mean: 0.5, deviation: 2, bound: nil),
    Rule(name: "uniform", initializer: .uniform(-1, 3), mean: 1, deviation: 4 / 12.0.squareRoot(), bound: 2),
    // Cut at 2, a standard normal distribution has variance 1 - 4 * density(2) / (1 - 2 * tail(2)).
    Rule(
      name: "truncated normal", initializer: .truncatedNormal(mean: 1, deviation: 3), mean: 1,
      deviation: 3 * 0.879_625_66, bound: 6),
    Rule(name: "constant", initializer: .constant(0.25), mean: 0.25, deviation: 0, bound: 0),
  ]

  private static func rule(_ name: String, _ initializer: Initializer, _ variance: Double, uniform: Bool = false)
    -> Rule
  {
    Rule(
      name: name, initializer: initializer, mean: 0, deviation: variance.squareRoot(),
      bound: uniform ? (3 * variance).squareRoot() : nil)
  }

  @Test(arguments: rules) func momentsAreThoseOfTheRule(_ rule: Rule) throws {
    let values = try rule.initializer(Self.shape, generator: RandomGenerator(seed: 8), on: .cpu).scalars(
      as: Double.self)
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    // 18,000 numbers: the mean's standard error is deviation / 134, that of the deviation at most deviation / 190.
    #expect(abs(mean - rule.mean) <= rule.deviation / 134 * 4)
    #expect(abs(deviation - rule.deviation) <= rule.deviation / 190 * 4)
    let reach = values.map { abs($0 - rule.mean) }.max()!
    if let bound = rule.bound {
      #expect(reach <= bound * (1 + 1e-6))
      #expect(reach >= bound * 0.99)
    } else {
      #expect(reach > 3 * rule.deviation, "a normal distribution has tails")
    }
  }

  @Test(arguments: Device.all) func valuesAreTheSameBitsOnEveryDevice(_ device: Device) throws {
    for initializer in [Initializer.he(), .xavier()] {
      let here = try initializer([7, 5], generator: RandomGenerator(seed: 9), on: .cpu).scalars(as: Float.self)
      let there = initializer([7, 5], generator: RandomGenerator(seed: 9), on: device)
      #expect(there.device == device)
      #expect(try there.scalars(as: Float.self) == here)
    }
  }

  @Test func layersDrawWeightThenBias() throws {
    let layer = withDevice(.cpu) { Conv2D(4, 6, kernel: Pair(3, 2), groups: 2, generator: RandomGenerator(seed: 5)) }
    let generator = RandomGenerator(seed: 5)
    let bound = Float(1 / (2.0 * 3 * 2).squareRoot())  // inputs of one group times the kernel's positions
    let weight = Tensor.randomUniform([6, 2, 3, 2], low: -bound, high: bound, generator: generator, on: .cpu)
    let bias = Tensor.randomUniform([6], low: -bound, high: bound, generator: generator, on: .cpu)
    try expectClose(layer.weight.value, try weight.scalars(as: Double.self), relative: 1e-6)
    try expectClose(try #require(layer.bias).value, try bias.scalars(as: Double.self), relative: 1e-6)
  }

  /// More rows than a block has, more columns than rows and the other way round.
  @Test(arguments: [[40, 30, 3, 1], [70, 70], [90, 37], [1, 9], [9, 1], [0, 4]])
  func orthogonalRowsOrColumns(_ shape: [Int]) throws {
    let initializer = Initializer.orthogonal(gain: 1.5)
    let drawn = initializer(shape, generator: RandomGenerator(seed: 4), on: .cpu)
    #expect(drawn.shape == shape)
    let matrix = drawn.reshaped(to: [shape[0], shape.dropFirst().reduce(1, *)])
    let few = matrix.shape[0] <= matrix.shape[1] ? matrix : matrix.transposed()
    let identity = (0..<few.shape[0]).flatMap { row in (0..<few.shape[0]).map { $0 == row ? 2.25 : 0 } }
    try expectClose(matmul(few, few.transposed()), identity, absolute: 1e-5)
    guard matrix.count > 100 else { return }
    // The mean of such an element is 0, its variance 1 over the longer side.
    let mean = try drawn.mean().scalar(as: Double.self)
    #expect(abs(mean) < 4 * 1.5 / (Double(few.shape[1]) * Double(matrix.count)).squareRoot())
    let other = initializer(shape, generator: RandomGenerator(seed: 5), on: .cpu)
    #expect(try other.scalars(as: Float.self) != drawn.scalars(as: Float.self))
  }

  @Test func aFanThatDoesNotExistTraps() async {
    await #expect(processExitsWith: .failure) { _ = Initializer.he()([7], on: .cpu) }
  }
}
