// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct EmbeddingTests {
  @Test(arguments: Device.all) func thePaddingRowHasNoGradient(_ device: Device) throws {
    let indices = Tensor([Int32(0), 2, 2, 1, 0, 2], shape: [2, 3], on: device)
    for (padding, counts) in [(2, [2.0, 1, 0, 0]), (-2, [2, 1, 0, 0]), (nil, [2, 1, 3, 0])] as [(Int?, [Double])] {
      let table = sampleTensor([4, 3], on: device)
      let (value, gradient) = valueAndGradient(at: table) { embedding(indices, $0, paddingIndex: padding).sum() }
      try expectClose(value, [try table.gathered(rows: indices).sum().scalar(as: Double.self)])
      try expectClose(gradient, counts.flatMap { [$0, $0, $0] })
    }
  }

  /// Also where the gradient is differentiated again, and where there is nothing to look up.
  @Test(arguments: Device.all) func thePaddingRowStaysWithoutOneInHigherDerivatives(_ device: Device) throws {
    let (table, factors) = (sampleTensor([3, 2], on: device), Tensor([1 as Float, 2], on: device))
    let indices = Tensor([0, 1], on: device)
    let slope = gradient(at: factors) { factors in
      gradient(at: table, createGraph: true) { (embedding(indices, $0, paddingIndex: 0) * factors).sum() }.sum()
    }
    try expectClose(slope, [1, 1])
    let none = Tensor.zeros([0], dtype: .int64, on: device)
    try expectClose(gradient(at: table) { embedding(none, $0, paddingIndex: 0).sum() }, [0, 0, 0, 0, 0, 0])
  }

  /// An entry before the first bag, one that weighs nothing, and one of padding.
  @Test(arguments: Device.all, [DType.float32, .float16])
  func weightsOfEntriesHaveGradients(_ device: Device, _ dtype: DType) throws {
    let rows: [Float] = [300, 1, 2, 3, -4, 5, 7, 8]
    let table = Tensor(rows, shape: [4, 2], on: device).cast(to: dtype)
    let (indices, offsets) = (Tensor([1, 0, 2, 3], on: device), Tensor([1], on: device))
    let weights = Tensor([0.5 as Float, 0, 2, 1], on: device)
    for createGraph in [false, true] {
      let slopes = gradient(at: weights, createGraph: createGraph) {
        embeddingBag(indices, table, offsets: offsets, mode: .sum, entryWeights: $0, paddingIndex: 3)
          .cast(to: .float32).sum() * 300
      }
      // The composed form multiplies in the table's type.
      if createGraph && dtype == .float16 { continue }
      try expectClose(slopes, [0, 300 * 301, 300, 0])
    }
  }

  private struct Bag {
    let indices: [Int]
    let offsets: [Int]
    let padding: Int?

    func entries(_ bag: Int) -> [Int] {
      let end = bag + 1 < offsets.count ? offsets[bag + 1] : indices.count
      return (offsets[bag]..<end).filter { indices[$0] != padding }
    }
  }

  /// Wide rows, an empty bag, one of padding only, a bag with one row several times.
  private static let bags = [
    Bag(indices: [3, 0, 3, 1, 4, 2, 4], offsets: [0, 3, 3, 5], padding: nil),
    Bag(indices: [3, 4, 3, 4, 4, 2, 4], offsets: [0, 3, 5, 7], padding: 4),
  ]

  @Test(arguments: EmbeddingBagMode.allCases, Device.all)
  func bagsFollowTheFormula(_ mode: EmbeddingBagMode, _ device: Device) throws {
    for (bag, columns) in zip(Self.bags, [17, 3]) {
      // A view of columns of a larger table.
      let table = sampleTensor([5, 2 * columns], on: device).sliced(along: 1, from: 0, step: 2)
      let numbers = try table.scalars(as: Double.self)
      let weights = mode == .sum ? sample([bag.indices.count], phase: 3) : nil
      func element(_ entry: Int, _ c: Int) -> Double {
        numbers[bag.indices[entry] * columns + c] * Double(weights?[entry] ?? 1)
      }
      let expected = bag.offsets.indices.flatMap { index in
        (0..<columns).map { c -> Double in
          let all = bag.entries(index).map { element($0, c) }
          if all.isEmpty { return 0 }
          if mode == .max { return all.max()! }
          return all.reduce(0, +) / (mode == .mean ? Double(all.count) : 1)
        }
      }
      let indices = Tensor(bag.indices, on: device)
      let offsets = Tensor(bag.offsets.map { Int32($0) }, on: device)
      func run(_ table: Tensor, _ weights: Tensor?) -> Tensor {
        embeddingBag(indices, table, offsets: offsets, mode: mode, entryWeights: weights, paddingIndex: bag.padding)
      }
      let entryWeights = weights.map { Tensor($0, on: device) }
      try expectClose(run(table, entryWeights), expected, "\(mode)")
      if columns == 3 {
        let inputs = [table] + (entryWeights.map { [$0] } ?? [])
        try expectGradients(inputs, "\(mode)") { run($0[0], $0.count > 1 ? $0[1] : nil) }
      }
    }
  }

  @Test(arguments: Device.all) func bagsOfOneLengthNeedNoOffsets(_ device: Device) throws {
    let (table, indices) = (sampleTensor([4, 2], on: device), Tensor([0, 3, 1, 1, 2, 9], shape: [3, 2], on: device))
    let y = try embeddingBag(indices, table, mode: .sum).scalars(as: Float.self)
    let rows = try table.scalars(as: Float.self)
    #expect(y[0] == rows[0] + rows[6] && y[3] == 2 * rows[3])
    #expect(y[4].isNaN && y[5].isNaN, "row 9 of 4")
    #expect(try embeddingBag(indices, table, mode: .max).scalars(as: Float.self)[4].isNaN)
    #expect(embeddingBag(Tensor.zeros([0, 2], dtype: .int64, on: device), table).shape == [0, 2])
  }

  @Test func sumsOfBagsHaveSecondDerivatives() throws {
    let indices = Tensor([0, 2, 2, 1], shape: [2, 2], on: .cpu)
    try expectGradients([sampleTensor([3, 2]), sampleTensor([2, 2], phase: 1)], tolerance: 1e-2) { inputs in
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) {
        square(embeddingBag(indices, $0[0], mode: .sum, entryWeights: $0[1])).sum()
      }
      return square(gradients[0]).sum() + square(gradients[1]).sum()
    }
  }
}
