// SPDX-License-Identifier: MIT
import Testing

@testable import Tern

@Suite struct TensorRandomTests {
  @Test(arguments: Device.all) func everyDeviceDrawsTheSame(_ device: Device) throws {
    func draw(_ device: Device) throws -> [[Float]] {
      let generator = RandomGenerator(seed: 42)
      return [
        try Tensor.randomUniform([1001], low: -2, high: 3, generator: generator, on: device).scalars(as: Float.self),
        try Tensor.randomMask([1001], keeping: 0.3, generator: generator, on: device).scalars(as: Float.self),
        try Tensor.randomNormal([1001], mean: 1, deviation: 2, generator: generator, on: device).scalars(
          as: Float.self),
      ]
    }
    let (here, there) = (try draw(.cpu), try draw(device))
    #expect(here[0] == there[0])
    #expect(here[1] == there[1])
    for (a, b) in zip(here[2], there[2]) { #expect(Swift.abs(a - b) <= 4 * Swift.max(a.ulp, b.ulp, Float(1).ulp)) }
  }

  @Test func drawsHaveTheirMoments() throws {
    let n = 100_000
    let generator = RandomGenerator(seed: 7)
    let uniform = try Tensor.randomUniform([n], low: 2, high: 5, generator: generator, on: .cpu).scalars(
      as: Double.self)
    #expect(uniform.allSatisfy { $0 >= 2 && $0 <= 5 })
    let mean = uniform.reduce(0, +) / Double(n)
    #expect(Swift.abs(mean - 3.5) < 5 * 0.866 / Double(n).squareRoot())
    let normal = try Tensor.randomNormal([n], mean: -1, deviation: 3, generator: generator, on: .cpu).scalars(
      as: Double.self)
    let center = normal.reduce(0, +) / Double(n)
    #expect(Swift.abs(center + 1) < 5 * 3 / Double(n).squareRoot())
    let variance = normal.map { ($0 - center) * ($0 - center) }.reduce(0, +) / Double(n)
    #expect(Swift.abs(variance / 9 - 1) < 5 * (2 / Double(n)).squareRoot())
    let kept = try Tensor.randomMask([n], keeping: 0.9, generator: generator, on: .cpu).sum().scalar(as: Double.self)
    #expect(Swift.abs(kept / Double(n) - 0.9) < 5 * (0.09 / Double(n)).squareRoot())
  }

  @Test func statesRepeatAndStreamsDiffer() {
    let generator = RandomGenerator(seed: 3)
    let state = generator.state
    let first = generator.hostWords(9)
    #expect(generator.hostWords(9) != first)
    generator.state = state
    #expect(generator.hostWords(9) == first)
    #expect(RandomGenerator(seed: 4).hostWords(9) != first)
    #expect(generator.split().hostWords(9) != generator.split().hostWords(9))
  }

  @Test func permutationsAreFairAndFixed() {
    let generator = RandomGenerator(seed: 1)
    #expect(generator.permutation(of: 1000).sorted() == Array(0..<1000))
    #expect(generator.permutation(of: 0) == [])
    #expect(generator.permutation(of: 1) == [0])
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[generator.permutation(of: 3), default: 0] += 1 }
    #expect(counts.count == 6)
    // Five standard deviations around 1000.
    for count in counts.values { #expect(Swift.abs(count - 1000) < 145) }
  }

  @Test func extremesOfMasks() throws {
    #expect(try Tensor.randomMask([100], keeping: 0, on: .cpu).sum().scalar(as: Int.self) == 0)
    #expect(try Tensor.randomMask([100], keeping: 1, on: .cpu).sum().scalar(as: Int.self) == 100)
  }
}
