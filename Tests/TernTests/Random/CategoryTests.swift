// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct CategoryTests {
  /// Checks how often each category was drawn, to within five standard deviations.
  private func expectShares(_ drawn: [Int], _ probabilities: [Double], _ note: String = "") {
    let n = Double(drawn.count)
    var counts = [Int](repeating: 0, count: probabilities.count)
    for place in drawn { counts[place] += 1 }
    for (count, p) in zip(counts, probabilities) {
      #expect(abs(Double(count) - n * p) <= 5 * (n * p * (1 - p)).squareRoot(), "\(count) of \(n), \(p) \(note)")
    }
  }

  private static let weights: [Float] = [1, 2, 0, 0.004, 5]
  private static let probabilities = weights.map { Double($0) / 8.004 }

  @Test(arguments: Device.all) func sharesAreThoseOfTheSoftmax(_ device: Device) throws {
    let logits = log(Tensor(Self.weights, on: device))
    let generator = RandomGenerator(seed: 21)
    let drawn = Tensor.randomCategories(20_000, logits: logits + 3, generator: generator)
    #expect(drawn.shape == [20_000] && drawn.dtype == .int64 && drawn.device == device)
    expectShares(try drawn.scalars(as: Int.self), Self.probabilities, "several draws")
    // A draw for each of many rows that are one row in memory, along an axis in the middle.
    let rows = logits.reshaped(to: [5, 1]).broadcast(to: [4, 5, 5000])
    let single = Tensor.randomCategories(logits: rows, along: -2, generator: generator)
    #expect(single.shape == [4, 5000])
    expectShares(try single.scalars(as: Int.self), Self.probabilities, "a draw for each row")
  }

  @Test(arguments: Device.all) func withoutReplacementDrawsComeFromWhatIsLeft(_ device: Device) throws {
    let n = 20_000
    let p = [0.125, 0.25, 0.625]
    let logits = log(Tensor(p.map { Float($0) }, on: device)).broadcast(to: [n, 3])
    let pairs = Tensor.randomCategories(2, logits: logits, replacing: false, generator: RandomGenerator(seed: 8))
    #expect(pairs.shape == [n, 2])
    let places = try pairs.scalars(as: Int.self)
    var expected = [Double](repeating: 0, count: 9)
    for first in 0..<3 {
      for second in 0..<3 where second != first { expected[first * 3 + second] = p[first] * p[second] / (1 - p[first]) }
    }
    expectShares((0..<n).map { places[2 * $0] * 3 + places[2 * $0 + 1] }, expected)
    let lone = Tensor([-Float.infinity, 0, -.infinity, 2], on: device)
    let all = try Tensor.randomCategories(4, logits: lone, replacing: false).scalars(as: Int.self)
    #expect(Set(all[..<2]) == [1, 3] && Set(all[2...]) == [0, 2])
  }

  /// Certain draws, so that each row's place is known: any axis, strided logits, half types.
  @Test(arguments: Device.all) func rowsAreThoseOfTheAxis(_ device: Device) throws {
    let certain: [Int] = [2, 0, 1, 1, 2, 0]
    let rows = oneHot(Tensor(certain, on: device), classes: 3) * 1000
    for dtype in [DType.float32, .float16, .bfloat16] {
      let logits = rows.cast(to: dtype)
      #expect(try Tensor.randomCategories(logits: logits).scalars(as: Int.self) == certain)
      #expect(try Tensor.randomCategories(logits: logits.transposed(), along: 0).scalars(as: Int.self) == certain)
      let twice = Tensor.randomCategories(2, logits: logits.transposed(), along: 0)
      #expect(twice.shape == [2, 6])
      #expect(try twice.scalars(as: Int.self) == certain + certain)
    }
  }

  @Test(arguments: Device.all) func generatorsRepeatOnEveryDevice(_ device: Device) throws {
    func draw(_ device: Device, seed: UInt64) throws -> [[Int]] {
      let generator = RandomGenerator(seed: seed)
      let logits = Tensor((0..<300).map { Float($0 % 7) }, shape: [10, 30], on: device)
      return [
        try Tensor.randomCategories(logits: logits, generator: generator).scalars(as: Int.self),
        try Tensor.randomCategories(50, logits: logits, along: 0, generator: generator).scalars(as: Int.self),
        try Tensor.randomCategories(9, logits: logits, replacing: false, generator: generator).scalars(as: Int.self),
      ]
    }
    #expect(try draw(device, seed: 4) == draw(.cpu, seed: 4))
    #expect(try draw(device, seed: 4) != draw(device, seed: 5))
  }

  /// More numbers than are drawn at a time.
  @Test(arguments: Device.all) func manyDrawsOfManyCategories(_ device: Device) throws {
    let categories = 1 << 20
    let drawn = try Tensor.randomCategories(
      9, logits: Tensor.zeros([categories], on: device), generator: RandomGenerator(seed: 2)
    ).scalars(as: Int.self)
    #expect(drawn.count == 9 && Set(drawn).count == 9 && drawn.allSatisfy { (0..<categories).contains($0) })
    // The mean of nine places, whose deviation is 1 / sqrt(12) of the range.
    let mean = drawn.reduce(0, +) / 9
    #expect(abs(mean - categories / 2) < 5 * categories / 10, "\(mean)")
  }

  @Test(arguments: Device.all) func emptyRowsAndNoDraws(_ device: Device) throws {
    #expect(Tensor.randomCategories(logits: Tensor.zeros([0, 3], on: device)).shape == [0])
    #expect(Tensor.randomCategories(4, logits: Tensor.zeros([0, 3], on: device)).shape == [0, 4])
    for replacing in [true, false] {
      let none = Tensor.randomCategories(0, logits: Tensor.zeros([2, 3], on: device), along: 0, replacing: replacing)
      #expect(none.shape == [0, 3] && none.dtype == .int64)
    }
    let lone = Tensor.randomCategories(logits: Tensor.full([2, 1], -Float.infinity, on: device))
    #expect(try lone.scalars(as: Int.self) == [0, 0])
  }

  @Test func nonsenseTraps() async {
    let count = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.randomCategories(4, logits: Tensor.zeros([2, 3], on: .cpu), replacing: false)
    }
    #expect(message(of: count).contains("randomCategories: 4 draws without replacement of 3 categories"))
    let none = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.randomCategories(logits: Tensor.zeros([2, 0], on: .cpu))
    }
    #expect(message(of: none).contains("randomCategories: axis 1 of logits of shape [2, 0] has no category"))
    await #expect(processExitsWith: .failure) {
      _ = Tensor.randomCategories(logits: Tensor([1, 2] as [Int32], on: .cpu))
    }
  }
}
