// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct RearrangingTests {
  private func counting(_ shape: [Int], on device: Device) -> Tensor { ShapeTests.counting(shape, on: device) }

  @Test(arguments: Device.all) func flippedRolledTiled(_ device: Device) throws {
    let x = counting([2, 3], on: device)
    try expectClose(x.flipped(along: 1), [2, 1, 0, 5, 4, 3])
    try expectClose(x.flipped(along: 0, -1).flipped(along: 0), [2, 1, 0, 5, 4, 3])
    try expectClose(x.flipped(along: 1).sliced(along: 1, from: 1).sum(along: 0), [5, 3])
    try expectClose(x.flipped(along: 0).reshaped(to: [6]), [3, 4, 5, 0, 1, 2])
    try expectClose(matmul(x.flipped(along: 1), x.flipped(along: 0).transposed()), [10, 1, 46, 10])
    try expectClose(x.rolled(by: 1, along: 1), [2, 0, 1, 5, 3, 4])
    try expectClose(x.rolled(by: -7, along: -1), [1, 2, 0, 4, 5, 3])
    try expectClose(x.tiled([2, 1]), [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])
    try expectClose(x.transposed().tiled([1, 2]), [0, 3, 0, 3, 1, 4, 1, 4, 2, 5, 2, 5])
    #expect(x.tiled([2, 1, 1]).shape == [2, 2, 3] && x.tiled([2]).shape == [2, 6])
    try expectClose(x.repeated(2, along: 1), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    #expect(x[0..<0].flipped(along: 0).shape == [0, 3] && x.tiled([0, 1]).shape == [0, 3])
  }

  @Test(arguments: Device.all) func diagonalsAndTriangles(_ device: Device) throws {
    let x = counting([2, 3, 4], on: device)
    try expectClose(x.diagonal(), [0, 5, 10, 12, 17, 22])
    try expectClose(x.diagonal(0, -1, offset: 2), [2, 15, 6, 19, 10, 23])
    try expectClose(x[0].diagonal(offset: -1), [4, 9])
    #expect(x.diagonal(offset: 9).shape == [2, 0])
    try expectClose(x[0].lowerTriangle(), [0, 0, 0, 0, 4, 5, 0, 0, 8, 9, 10, 0])
    try expectClose(x[0].upperTriangle(diagonal: 1), [0, 1, 2, 3, 0, 0, 6, 7, 0, 0, 0, 11])
    try expectClose(x[0].transposed().upperTriangle(diagonal: -1), [0, 4, 8, 1, 5, 9, 0, 6, 10, 0, 0, 11])
  }

  @Test(arguments: Device.all) func paddingOfEveryKind(_ device: Device) throws {
    let x = counting([4], on: device)
    func padded(_ before: Int, _ after: Int, _ mode: PaddingMode) -> Tensor {
      x.padded([AxisPadding(axis: -1, before: before, after: after)], mode: mode)
    }
    try expectClose(padded(2, 1, .constant(7)), [7, 7, 0, 1, 2, 3, 7])
    try expectClose(padded(-1, 2, .constant(0)), [1, 2, 3, 0, 0])
    try expectClose(padded(3, 2, .reflected), [3, 2, 1, 0, 1, 2, 3, 2, 1])
    try expectClose(padded(2, 3, .replicated), [0, 0, 0, 1, 2, 3, 3, 3, 3])
    try expectClose(padded(4, 1, .circular), [0, 1, 2, 3, 0, 1, 2, 3, 0])
    let both = counting([2, 2], on: device).transposed()
      .padded([AxisPadding(axis: 0, before: 1, after: 0), AxisPadding(axis: 1, before: 0, after: 1)])
    try expectClose(both, [0, 0, 0, 0, 2, 0, 1, 3, 0])
    #expect(try padded(0, 1, .constant(2)).cast(to: .int32).scalars(as: Int.self) == [0, 1, 2, 3, 2])
  }

  @Test(arguments: Device.all) func rearrangedTensorsHaveGradients(_ device: Device) throws {
    let x = sampleTensor([3, 4], on: device)
    let sides = [AxisPadding(axis: 1, before: 2, after: 1), AxisPadding(axis: 0, before: 0, after: 2)]
    let cases: [(String, ([Tensor]) -> Tensor)] = [
      ("flipped", { square($0[0].flipped(along: 0, 1)) }), ("rolled", { square($0[0].rolled(by: 2, along: 0)) }),
      ("tiled", { square($0[0].tiled([2, 3])) }), ("repeated", { square($0[0].repeated(3, along: 0)) }),
      ("diagonal", { square($0[0].diagonal(offset: 1)) }), ("triangle", { square($0[0].lowerTriangle(diagonal: 1)) }),
      ("constant", { square($0[0].padded(sides, mode: .constant(2))) }),
      ("reflected", { square($0[0].padded(sides, mode: .reflected)) }),
      ("replicated", { square($0[0].padded(sides, mode: .replicated)) }),
      ("circular", { square($0[0].padded(sides, mode: .circular)) }),
    ]
    for (name, f) in cases { try expectGradients([x], name, of: f) }
    try expectGradients([x], tolerance: 6e-3, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) {
        (pow($0.padded(sides, mode: .reflected), 3).sum() + pow($0.flipped(along: 0).diagonal(), 3).sum()) * 0.1
      }
    }
  }
}
