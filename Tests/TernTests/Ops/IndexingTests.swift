// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct IndexingTests {
  private func indices(_ numbers: [Int], _ shape: [Int], on device: Device) -> Tensor {
    Tensor(numbers, shape: shape, on: device)
  }

  @Test(arguments: Device.all) func gatheredAndSelectedAgreeWithLoops(_ device: Device) throws {
    let x = sampleTensor([3, 4, 2], on: device)
    let values = try x.scalars(as: Double.self)
    let places = [2, 0, 3, 3, 1, 0]
    let picked = x.gathered(at: indices(places, [1, 3, 2], on: device), along: -2)
    #expect(picked.shape == [3, 3, 2])
    var expected = (0..<18).map { (element: Int) -> Double in
      let row = element / 6 * 4 + places[element % 6]
      return values[row * 2 + element % 2]
    }
    try expectClose(picked, expected)
    let columns = [3, 3, 0]
    expected = (0..<18).map { (element: Int) -> Double in
      let (k, j, i) = (element / 9, columns[element / 3 % 3], element % 3)
      return values[(i * 4 + j) * 2 + k]
    }
    let list = indices(columns, [3], on: device)
    try expectClose(x.transposed([2, 1, 0]).selected(list, along: 1), expected)
    #expect(x.selected(Tensor([Int32(1)], on: device), along: 0).shape == [1, 4, 2])
  }

  @Test(arguments: Device.all) func scatterAddingAddsRepeatedIndices(_ device: Device) throws {
    let x = Tensor([10, 20, 30] as [Float], on: device)
    let source = Tensor([1, 2, 4, 8] as [Float], on: device)
    try expectClose(
      x.scatterAdding(source, at: indices([2, 0, 2, 7], [4], on: device), along: 0), [12, 20, 35])
    let counts = Tensor.zeros([3], dtype: .int32, on: device)
      .scatterAdding(
        Tensor.ones([4], dtype: .int32, on: device), at: indices([1, 1, 2, 1], [4], on: device), along: -1)
    #expect(try counts.scalars(as: Int.self) == [0, 3, 1])
  }

  @Test(arguments: Device.all) func gradientsFollowTheIndices(_ device: Device) throws {
    let x = sampleTensor([3, 4], on: device)
    let source = sampleTensor([3, 2], phase: 1, on: device)
    let list = indices([1, 3, 0, 0, 2, 1], [3, 2], on: device)
    try expectGradients([x], "gathered") { square($0[0].gathered(at: list, along: 1)) }
    try expectGradients([x], "selected") { square($0[0].selected(list.flattened(), along: 1)) }
    try expectGradients([x, source], "scatterAdding") { square($0[0].scatterAdding($0[1], at: list, along: 1)) }
    try expectGradients([x], tolerance: 6e-3, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) { pow($0.gathered(at: list, along: 1), 3).sum() }
    }
  }

  @Test(arguments: Device.all) func masksAndOneHot(_ device: Device) throws {
    let x = sampleTensor([2, 3], on: device)
    let mask = Tensor([true, false, true], on: device)
    let filled = x.filled(where: mask, with: -.infinity)
    let values = try x.scalars(as: Double.self)
    try expectClose(filled, values.enumerated().map { $0 % 3 == 1 ? $1 : -.infinity })
    try expectClose(gradient(at: x) { $0.filled(where: mask, with: 2).sum() }, [0, 1, 0, 0, 1, 0])
    let labels = Tensor([Int32(2), 0, 5, -1], shape: [2, 2], on: device)
    let hot = oneHot(labels, classes: 3, dtype: .float16)
    #expect(hot.shape == [2, 2, 3] && hot.dtype == .float16)
    try expectClose(hot, [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  // MARK: Running results, order

  @Test(arguments: Device.all) func runningSumsAndProducts(_ device: Device) throws {
    let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3], on: device)
    try expectClose(x.cumulativeSum(along: -1), [1, 3, 6, 4, 9, 15])
    try expectClose(x.cumulativeSum(along: 0), [1, 2, 3, 5, 7, 9])
    try expectClose(x.cumulativeSum(along: 1, isReversed: true), [6, 5, 3, 15, 11, 6])
    try expectClose(x.cumulativeSum(along: 1, isExclusive: true), [0, 1, 3, 0, 4, 9])
    try expectClose(x.cumulativeSum(along: 1, isReversed: true, isExclusive: true), [5, 3, 0, 11, 6, 0])
    try expectClose(x.transposed().cumulativeProduct(along: 0), [1, 4, 2, 20, 6, 120])
    try expectClose(x.cumulativeProduct(along: 1, isReversed: true, isExclusive: true), [6, 3, 1, 30, 6, 1])
    #expect((x .> 2).cumulativeSum(along: 1).dtype == .int64)
    let extremes = Tensor([2, 5, 5, 1, 7] as [Float], on: device)
    let (most, places) = extremes.cumulativeMax(along: 0)
    try expectClose(most, [2, 5, 5, 5, 7])
    #expect(try places.scalars(as: Int.self) == [0, 1, 1, 1, 4])
    try expectClose(extremes.cumulativeMin(along: 0).values, [2, 2, 2, 1, 1])
    try expectClose(gradient(at: extremes) { $0.cumulativeMax(along: 0).values.sum() }, [1, 3, 0, 0, 1])
  }

  @Test(arguments: Device.all) func runningResultsHaveGradients(_ device: Device) throws {
    let x = sampleTensor([3, 4], scale: 0.4, shift: 1, on: device)
    try expectGradients([x], "sum") { square($0[0].cumulativeSum(along: 0, isExclusive: true)) }
    try expectGradients([x], "product") { square($0[0].cumulativeProduct(along: 1, isReversed: true)) }
    try expectGradients([x], tolerance: 6e-3, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) { square($0.cumulativeProduct(along: 1)).sum() * 0.1 }
    }
    // One zero in a line, two, and none.
    let zeros = Tensor([2, 0, 3, -1, 0, 4, 0, 5, 1, 2, 3, 4] as [Float], shape: [3, 4], on: device)
    try expectGradients([zeros], "zeros") { $0[0].cumulativeProduct(along: 1) }
  }

  @Test(arguments: Device.all) func sortedAndTopK(_ device: Device) throws {
    let x = Tensor([3, 1, 2, 1, 9, 4] as [Float], shape: [2, 3], on: device)
    let (values, positions) = x.sorted()
    try expectClose(values, [1, 2, 3, 1, 4, 9])
    #expect(try positions.scalars(as: Int.self) == [1, 2, 0, 0, 2, 1])
    try expectClose(x.transposed().sorted(along: 0, descending: true).values, [3, 9, 2, 4, 1, 1])
    let top = x.topK(2, along: 1)
    try expectClose(top.values, [3, 2, 9, 4])
    try expectClose(x.topK(1, along: 0, largest: false).values, [1, 1, 2])
    #expect(x.topK(0).values.shape == [2, 0])
    try expectClose(gradient(at: x) { (square($0.topK(2).values)).sum() }, [6, 0, 4, 0, 18, 8])
    try expectGradients([sampleTensor([2, 5], on: device)]) { square($0[0].sorted(along: 1).values) }
  }

  @Test func wrongIndicesTrap() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor.zeros([2, 3], on: .cpu)
      _ = x.gathered(at: Tensor([0, 1], shape: [2, 1], on: .cpu).cast(to: .float32), along: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor.zeros([2, 3], on: .cpu).gathered(at: Tensor.zeros([2, 2], dtype: .int64, on: .cpu), along: 0)
    }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3], on: .cpu).topK(4) }
  }
}
