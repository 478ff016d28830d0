// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct DistributionTests {
  /// A way to draw, and the distribution function that it must have.
  struct Law: Sendable, CustomTestStringConvertible {
    let name: String
    let draw: @Sendable (Int, RandomGenerator, Device) -> Tensor
    let probability: @Sendable (Double) -> Double

    var testDescription: String { name }
  }

  static let laws = [
    Law(
      name: "exponential", draw: { .randomExponential([$0], rate: 2.5, generator: $1, on: $2) },
      probability: { $0 <= 0 ? 0 : 1 - exp(-2.5 * $0) }),
    Law(
      name: "laplace", draw: { .randomLaplace([$0], mean: -1, scale: 3, generator: $1, on: $2) },
      probability: { $0 < -1 ? exp(($0 + 1) / 3) / 2 : 1 - exp(-($0 + 1) / 3) / 2 }),
    Law(
      name: "gumbel", draw: { .randomGumbel([$0], mode: 2, scale: 0.5, generator: $1, on: $2) },
      probability: { exp(-exp(-($0 - 2) / 0.5)) }),
  ]

  /// The test of Kolmogorov and Smirnov: the largest distance between the share of numbers below any point and the
  /// probability of being there. A right one would exceed the bound once in 10,000 seeds.
  @Test(arguments: laws, Device.all) func numbersFollowTheirLaw(_ law: Law, _ device: Device) throws {
    let n = 20_000
    let numbers = try law.draw(n, RandomGenerator(seed: 11), device).sorted().values.scalars(as: Double.self)
    var distance = 0.0
    for (place, number) in numbers.enumerated() {
      let expected = law.probability(number)
      distance = max(distance, abs(expected - Double(place) / Double(n)), abs(expected - Double(place + 1) / Double(n)))
    }
    #expect(distance < 2.23 / Double(n).squareRoot(), "\(distance)")
  }

  @Test(arguments: laws, Device.all) func everyDeviceDrawsTheSame(_ law: Law, _ device: Device) throws {
    let (here, there) = (
      law.draw(4001, RandomGenerator(seed: 5), .cpu), law.draw(4001, RandomGenerator(seed: 5), device)
    )
    try expectClose(there, try here.scalars(as: Double.self), relative: 1e-6, absolute: 2e-6)
  }

  /// The least of four million waiting times: with steps of 2^-24 they would be multiples of 6e-8.
  @Test(arguments: Device.all) func leastWaitingTimesAreFinelySpaced(_ device: Device) throws {
    let n = 1 << 22
    let times = Tensor.randomExponential([n], generator: RandomGenerator(seed: 1), on: device)
    let least = try times.topK(40, largest: false).values.scalars(as: Double.self)
    #expect(least.allSatisfy { $0 > 0 })
    // The k-th of n has the mean k / n and the deviation sqrt(k) / n.
    for (place, time) in least.enumerated() where place >= 4 {
      let k = Double(place + 1)
      #expect(abs(time * Double(n) - k) < 5 * k.squareRoot(), "\(place): \(time)")
    }
    // Up to 1e-7 relative to a step, -log(1 - u) is u.
    #expect(least.count(where: { abs(($0 * 0x1p24).rounded() - $0 * 0x1p24) < 1e-3 }) < 5, "\(least)")
    #expect(try times.max().scalar(as: Double.self) <= 24 * log(2) + 1e-5)
  }

  @Test(arguments: Device.all) func masksHaveTheProbabilityOfTheirPlace(_ device: Device) throws {
    let n = 4000
    let column = Tensor([0, 0.25, 0.9, 1, Float.nan], shape: [5, 1], on: device)
    for probabilities in [column.broadcast(to: [5, n]), column.broadcast(to: [5, n]).cast(to: .bfloat16)] {
      let mask = Tensor.randomMask(keeping: probabilities, generator: RandomGenerator(seed: 3))
      #expect(mask.dtype == .bool && mask.device == device)
      let counts = try mask.sum(along: 1).scalars(as: Double.self)
      #expect(counts[0] == 0 && counts[3] == Double(n) && counts[4] == 0)
      // bfloat16 has 0.8984 for 0.9.
      for (place, p) in [(1, 0.25), (2, probabilities.dtype == .float32 ? 0.9 : 0.8984375)] {
        #expect(abs(counts[place] - p * Double(n)) < 5 * (p * (1 - p) * Double(n)).squareRoot())
      }
    }
    let none = Tensor.randomMask(keeping: Tensor.zeros([3, 0], on: device), dtype: .float16)
    #expect(none.shape == [3, 0] && none.dtype == .float16)
  }

  @Test(arguments: Device.all) func dtypesAndEmptyShapes(_ device: Device) throws {
    func draw(_ dtype: DType) throws -> [Float] {
      try Tensor.randomGumbel([3, 5], generator: RandomGenerator(seed: 9), dtype: dtype, on: device).scalars(
        as: Float.self)
    }
    #expect(try draw(.float16) == draw(.float32).map { Float(Float16($0)) })
    #expect(Tensor.randomExponential([0, 4], dtype: .bfloat16, on: device).dtype == .bfloat16)
    #expect(try Tensor.randomLaplace([2], mean: 4, scale: 0, on: device).scalars(as: Float.self) == [4, 4])
    #expect(try Tensor.randomExponential([], on: device).scalar(as: Float.self) > 0)
  }

  @Test func recomputationDrawsTheSame() throws {
    let generator = RandomGenerator(seed: 6)
    let (value, slope) = valueAndGradient(at: Tensor.ones([64], on: .cpu)) { x in
      recompute(x) { $0 * Tensor.randomExponential([64], generator: generator, on: .cpu) }.sum()
    }
    let noise = Tensor.randomExponential([64], generator: RandomGenerator(seed: 6), on: .cpu)
    try expectClose(slope, noise.scalars(as: Double.self))
    try expectClose(value, [noise.sum().scalar(as: Double.self)])
  }

  @Test func nonsenseTraps() async {
    let rate = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.randomExponential([2], rate: 0, on: .cpu)
    }
    #expect(message(of: rate).contains("randomExponential: rate must be positive and finite, got 0.0"))
    let dtype = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.randomGumbel([2], dtype: .int32, on: .cpu)
    }
    #expect(message(of: dtype).contains("randomGumbel: needs a floating-point dtype, got int32"))
    await #expect(processExitsWith: .failure) { _ = Tensor.randomLaplace([2], scale: -1, on: .cpu) }
  }
}
