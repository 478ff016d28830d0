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

  @Test func aFanThatDoesNotExistTraps() async {
    await #expect(processExitsWith: .failure) { _ = Initializer.he()([7], on: .cpu) }
  }
}
