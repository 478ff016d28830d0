// SPDX-License-Identifier: MIT
import TernRuntime
import TestSupport
import Testing

@testable import Tern

/// Views whose axes cannot be merged: more nested loops than the devices' kernels have.
@Suite struct ManyAxesTests {
  private static let extents = [2, 3, 1, 2, 3, 2, 2, 3, 2, 2]
  /// Every axis leaves its neighbours.
  private static let order = [9, 4, 7, 1, 5, 0, 8, 3, 6, 2]

  /// The elements of a view of `0, 1, 2, …`, by its strides.
  private static func elements(_ shape: [Int], _ strides: [Int], from offset: Int = 0) -> [Double] {
    var positions = [offset]
    for (extent, stride) in zip(shape, strides) {
      positions = positions.flatMap { position in (0..<extent).map { position + $0 * stride } }
    }
    return positions.map(Double.init)
  }

  private static func permuted(on device: Device) -> (tensor: Tensor, expected: [Double]) {
    let x = Tensor((0..<elementCount(extents)).map(Float.init), shape: extents, on: device)
    let strides = contiguousStrides(extents)
    return (x.transposed(order), elements(order.map { extents[$0] }, order.map { strides[$0] }))
  }

  @Test(arguments: Device.all) func tenPermutedAxesAreCopied(_ device: Device) throws {
    let (x, expected) = Self.permuted(on: device)
    try expectClose(x.contiguous(), expected)
    try expectClose(x.reshaped(to: [-1]), expected)
    try expectClose(x.cast(to: .int64), expected)
    try expectClose(
      x.transposed(Self.order.indices.map { Self.order.firstIndex(of: $0)! }), (0..<expected.count).map(Double.init))
  }

  @Test(arguments: Device.all) func programsOverSeveralPermutedViewsAgree(_ device: Device) throws {
    let (x, expected) = Self.permuted(on: device)
    let dense = Tensor(expected.map { Float($0) }, shape: x.shape, on: device)
    let row = Tensor((0..<x.shape[9]).map { Float($0) + 0.5 }, on: device)
    // Often enough that the OpenCL tiers change.
    for _ in 0..<4 {
      let y = (x * 2 - dense + row).evaluated()
      try expectClose(y, expected.enumerated().map { $1 + Double($0 % x.shape[9]) + 0.5 })
    }
    let joined = concatenated([x, exp(x * 0)], along: 4)
    try expectClose(joined.sliced(along: 4, from: 0, to: x.shape[4]), expected)
  }

  @Test(arguments: Device.all) func reductionsTakeTenPermutedAxes(_ device: Device) throws {
    let (x, expected) = Self.permuted(on: device)
    let total = expected.reduce(0, +)
    try expectClose(x.sum(), [total])
    try expectClose(
      x.sum(along: Array(0..<9)),
      (0..<x.shape[9]).map { last in
        stride(from: last, to: expected.count, by: x.shape[9]).reduce(0) { $0 + expected[$1] }
      })
    try expectClose(x.sum(along: [1, 3, 5, 7]).sum(), [total])
    try expectClose(x.sum(along: [0, 2, 4, 6, 8]).sum(), [total])
    try expectClose(x.argMax(along: 3).max(), [Double(x.shape[3] - 1)])
    try expectClose(softmax(x, axis: 4).sum(), [Double(expected.count / x.shape[4])], relative: 1e-4)
  }

  @Test(arguments: Device.all) func sixteenReversedAxesAreCopied(_ device: Device) throws {
    let extents = [Int](repeating: 2, count: 16)
    let x = Tensor((0..<1 << 16).map(Float.init), shape: extents, on: device)
    try expectClose(
      x.transposed(Array((0..<16).reversed())).contiguous(),
      Self.elements(extents, contiguousStrides(extents).reversed()))
  }
}
