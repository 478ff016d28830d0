// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct ShapeTests {
  static func counting(_ shape: [Int], on device: Device) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map(Float.init), shape: shape, on: device)
  }

  @Test(arguments: Device.all) func transposesMoveElements(_ device: Device) throws {
    let x = Self.counting([2, 3, 5], on: device)
    let y = x.transposed([2, 0, 1])
    #expect(y.shape == [5, 2, 3])
    var expected: [Double] = []
    for k in 0..<5 { for i in 0..<2 { for j in 0..<3 { expected.append(Double(i * 15 + j * 5 + k)) } } }
    try expectClose(y, expected)
    try expectClose(x.transposed().transposed(), (0..<30).map(Double.init))
    try expectClose(x.swappedAxes(0, -1).contiguous().reshaped(to: [30]).sliced(along: 0, to: 3), [0, 15, 5])
  }

  @Test(arguments: Device.all) func slicesFollowPython(_ device: Device) throws {
    let x = Self.counting([4, 6], on: device)
    try expectClose(x[1], (6..<12).map(Double.init))
    try expectClose(x[-1, 2..<4], [20, 21])
    try expectClose(x[SliceIndex.all, 0], [0, 6, 12, 18])
    try expectClose(x[1...2, SliceIndex.every(3, from: 1)], [7, 10, 13, 16])
    try expectClose(x[3..., ..<2], [18, 19])
    #expect(x[0..<0].shape == [0, 6])
    #expect(x[2, 3].shape == [])
    #expect(try x[2, 3].scalar(as: Int.self) == 15)
  }

  @Test(arguments: Device.all) func reshapesCopyOnlyWhenTheyMust(_ device: Device) throws {
    let x = Self.counting([4, 6], on: device)
    let view = x.reshaped(to: [2, -1])
    #expect(view.shape == [2, 12])
    #expect(view.value === x.value)
    try expectClose(x.transposed().reshaped(to: [24]).sliced(along: 0, to: 5), [0, 6, 12, 18, 1])
    try expectClose(x[1..<3].reshaped(to: [12]), (6..<18).map(Double.init))
    #expect(x.flattened(from: 1).shape == [4, 6])
    #expect(x.expanded(at: -1).expanded(at: 0).squeezed(at: -1).shape == [1, 4, 6])
  }

  @Test(arguments: Device.all) func concatenationJoinsAndSplitDivides(_ device: Device) throws {
    let x = Self.counting([2, 3], on: device)
    let y = x.transposed().transposed() * 10
    try expectClose(concatenated([x, y[0..<1]]), [0, 1, 2, 3, 4, 5, 0, 10, 20])
    try expectClose(concatenated([x, y], along: -1), [0, 1, 2, 0, 10, 20, 3, 4, 5, 30, 40, 50])
    #expect(stacked([x, y], along: 1).shape == [2, 2, 3])
    let parts = Self.counting([2, 5], on: device).split(sizes: [1, 4], along: 1)
    try expectClose(parts[0], [0, 5])
    try expectClose(parts[1], [1, 2, 3, 4, 6, 7, 8, 9])
  }

  @Test(arguments: Device.all) func viewsHaveGradients(_ device: Device) throws {
    let x = sampleTensor([3, 4], on: device)
    let y = sampleTensor([2, 4], phase: 1, on: device)
    let cases: [(String, ([Tensor]) -> Tensor)] = [
      ("transposed", { square($0[0].transposed()) }),
      ("reshaped", { square($0[0].transposed().reshaped(to: [2, 6])) }),
      ("sliced", { square($0[0][1..., SliceIndex.every(2, from: 1)]) + $0[1][0, 0] }),
      ("broadcast", { square($0[0].expanded(at: 1).broadcast(to: [3, 2, 4])) }),
      ("concatenated", { square(concatenated([$0[0], $0[1], $0[0]])) }),
      ("stacked", { square(stacked([$0[0][0], $0[1][1]], along: 1)) }),
    ]
    for (name, f) in cases { try expectGradients([x, y], name, of: f) }
    try expectGradients([x], tolerance: 6e-3, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) { pow($0[1..., 0..<2].transposed(), 3).sum() }
    }
  }

  @Test(arguments: Device.all) func gatherPicksRowsAndAddsTheirGradients(_ device: Device) throws {
    let table = sampleTensor([5, 3], on: device)
    let indices = Tensor([Int32(4), 0, 4, 2, 4, 0], shape: [2, 3], on: device)
    let picked = table.gathered(rows: indices)
    #expect(picked.shape == [2, 3, 3])
    let values = try table.scalars(as: Double.self)
    try expectClose(picked, [4, 0, 4, 2, 4, 0].flatMap { values[3 * $0..<3 * $0 + 3] })
    try expectGradients([table]) { square($0[0].gathered(rows: indices)) }
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3], on: .cpu).reshaped(to: [4, -1]).evaluated() }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3], on: .cpu)[2].evaluated() }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3], on: .cpu).transposed([0, 0]).evaluated() }
    await #expect(processExitsWith: .failure) {
      _ = concatenated([Tensor.zeros([2, 3], on: .cpu), Tensor.zeros([2, 2], on: .cpu)]).evaluated()
    }
  }
}
