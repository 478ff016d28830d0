// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct TensorReductionTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let name: String
    let tensor: @Sendable (Tensor, [Int]?, Bool) -> Tensor
    let reference: @Sendable ([Double]) -> Double
    var testDescription: String { name }
  }

  static let kinds: [Kind] = [
    Kind(name: "sum", tensor: { $0.sum(along: $1, keepingDimensions: $2) }, reference: { $0.reduce(0, +) }),
    Kind(
      name: "mean", tensor: { $0.mean(along: $1, keepingDimensions: $2) },
      reference: { $0.reduce(0, +) / Double($0.count) }),
    Kind(name: "product", tensor: { $0.product(along: $1, keepingDimensions: $2) }, reference: { $0.reduce(1, *) }),
    Kind(name: "max", tensor: { $0.max(along: $1, keepingDimensions: $2) }, reference: { $0.max()! }),
    Kind(name: "min", tensor: { $0.min(along: $1, keepingDimensions: $2) }, reference: { $0.min()! }),
    Kind(
      name: "logSumExp", tensor: { $0.logSumExp(along: $1, keepingDimensions: $2) },
      reference: { Foundation.log($0.map { Foundation.exp($0) }.reduce(0, +)) }),
    Kind(
      name: "variance", tensor: { $0.variance(along: $1, keepingDimensions: $2) },
      reference: { x in
        let mean = x.reduce(0, +) / Double(x.count)
        return x.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(x.count)
      }),
    Kind(
      name: "sumOfSquares", tensor: { $0.sumOfSquares(along: $1, keepingDimensions: $2) },
      reference: { $0.map { $0 * $0 }.reduce(0, +) }),
  ]

  /// Groups the elements of a row-major array by their position outside the reduced axes.
  static func groups(_ values: [Double], _ shape: [Int], _ axes: [Int]) -> [[Double]] {
    var result: [[Double]] = Array(
      repeating: [], count: shape.indices.filter { !axes.contains($0) }.reduce(1) { $0 * shape[$1] })
    for (flat, value) in values.enumerated() {
      var (rest, target, scale) = (flat, 0, 1)
      for axis in shape.indices.reversed() {
        if !axes.contains(axis) {
          target += rest % shape[axis] * scale
          scale *= shape[axis]
        }
        rest /= shape[axis]
      }
      result[target].append(value)
    }
    return result
  }

  /// Sums beyond the range of `float16` and below the precision of `bfloat16` arrive, and so do their gradients.
  @Test(arguments: Device.all) func halfTypesAreReducedToFloat32(_ device: Device) throws {
    for dtype in [DType.float16, .bfloat16] {
      let x = (Tensor.ones([3, 40, 500], on: device) * 4).cast(to: dtype)
      let view = x.transposed([0, 2, 1])
      try expectClose(x.sum(as: .float32), [240_000], relative: 0)
      try expectClose(view.sum(along: 2, as: .float32), Array(repeating: 160, count: 1500), relative: 0)
      // 16 * 60,001 numbers: not a float16, and rounded by bfloat16.
      let odd = concatenated([x.flattened(), x[0][0][0..<1]], along: 0)
      try expectClose(odd.sumOfSquares(as: .float32), [960_016], relative: 0)
      #expect(odd.mean(as: .float32).dtype == .float32 && odd.mean().dtype == dtype)
      let gradient = gradient(at: x) {
        ($0.mean(along: 1, as: .float32) + $0.sumOfSquares(along: [1], as: .float32)).sum()
      }
      #expect(gradient.dtype == dtype)
      try expectClose(gradient, Array(repeating: 8.025, count: 60_000), relative: 0x1p-8)
      let ties = Tensor.zeros([70_000], dtype: dtype, on: device)
      try expectClose(
        Tern.gradient(at: ties) { $0.max() }, Array(repeating: 1 / 70_000, count: 70_000), relative: 0x1p-7)
      // The differences are smaller than what a half mean of 1000 would leave of them.
      let far = Tensor((0..<64).map { 1000 + Float($0 % 2) * 8 }, on: device).cast(to: dtype)
      try expectClose(far.variance(), [16], relative: 0x1p-8)
      try expectClose(far.standardDeviation(), [4], relative: 0x1p-8)
    }
    let tiny = Tensor([1e-9, -2e-9] as [Float], on: device)
    try expectClose(gradient(at: tiny) { $0.sumOfSquares(as: .float16) }, [2e-9, -4e-9], relative: 1e-6)
  }

  @Test(arguments: Device.all, kinds) func reducesAnyAxes(_ device: Device, _ kind: Kind) throws {
    let x = sampleTensor([3, 5, 7], scale: 0.6, shift: 1, on: device)
    let values = try x.scalars(as: Double.self)
    for axes in [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]] {
      let expected = Self.groups(values, x.shape, axes).map(kind.reference)
      let negative = axes.map { $0 - 3 }
      try expectClose(kind.tensor(x, negative, false), expected, relative: 2e-5, "\(kind.name) \(axes)")
      #expect(kind.tensor(x, axes, true).shape == x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] })
    }
    let view = x.transposed([2, 0, 1]).sliced(along: 0, from: 1, to: 7, step: 2)
    let dense = try view.scalars(as: Double.self)
    try expectClose(
      kind.tensor(view, [0, 2], false), Self.groups(dense, view.shape, [0, 2]).map(kind.reference), relative: 2e-5)
  }

  @Test(arguments: Device.all, kinds) func hasGradients(_ device: Device, _ kind: Kind) throws {
    // Distinct values 0.15 apart: extremes have a kink where two are equal.
    let x = Tensor((0..<24).map { Float($0 * 7 % 24) * 0.15 - 1 }, shape: [2, 3, 4], on: device)
    try expectGradients([x], kind.name) { kind.tensor($0[0], [0, 2], false) }
    try expectGradients([x.transposed()], kind.name) { kind.tensor($0[0], nil, true) }
  }

  /// The Hessian times v, by d²/dxi dxj = the product of the other factors.
  @Test(arguments: Device.all, [[2, 3, 5], [0, 3, 5], [0, 0, 5], [2, 0, 0], [0, 0, 0]] as [[Double]])
  func secondDerivativeOfAProductSurvivesZeros(_ device: Device, _ factors: [Double]) throws {
    let v = [1.0, -2, 4]
    let direction = Tensor(v.map(Float.init), on: device)
    let result = gradient(at: Tensor(factors.map(Float.init), on: device)) { x in
      (gradient(at: x, createGraph: true) { $0.product() } * direction).sum()
    }
    let expected = factors.indices.map { i in
      factors.indices.filter { $0 != i }.reduce(0) { sum, j in
        sum + v[j] * factors.indices.filter { $0 != i && $0 != j }.reduce(1) { $0 * factors[$1] }
      }
    }
    try expectClose(result, expected)
  }

  @Test(arguments: Device.all) func productGradientSurvivesZeros(_ device: Device) throws {
    let x = Tensor([2 as Float, 0, 3, 4, 5, 6, 0, 0, 7], shape: [3, 3], on: device)
    try expectClose(gradient(at: x) { $0.product(along: 1).sum() }, [0, 6, 0, 30, 24, 20, 0, 0, 0])
  }

  @Test(arguments: Device.all) func equalMaximaShareTheGradient(_ device: Device) throws {
    let x = Tensor([1 as Float, 3, 3, 2], on: device)
    try expectClose(gradient(at: x) { $0.max() }, [0, 0.5, 0.5, 0])
  }

  @Test(arguments: Device.all) func integersSumWide(_ device: Device) throws {
    let x = Tensor([Int32](repeating: Int32.max, count: 33), on: device)
    #expect(try x.sum().scalar(as: Int.self) == 33 * Int(Int32.max))
    #expect(try Tensor([true, false, true], on: device).sum().scalar(as: Int.self) == 2)
    #expect(try Tensor([true, false], on: device).any().scalar(as: Bool.self))
    #expect(try !Tensor([true, false], on: device).all().scalar(as: Bool.self))
    #expect(try Tensor([Bool](), on: device).all().scalar(as: Bool.self))
    let mask = Tensor([true, false, true, true, true, false], shape: [3, 2], on: device).transposed()
    #expect(try mask.all(along: 1).scalars(as: Bool.self) == [true, false])
    #expect(try mask.any(along: -2).scalars(as: Bool.self) == [true, true, true])
    #expect(try mask.all(along: 0).scalars(as: Bool.self) == [false, true, false])
    #expect(mask.any(along: [0, 1], keepingDimensions: true).shape == [1, 1])
  }

  @Test(arguments: Device.all) func positionsOfExtremes(_ device: Device) throws {
    let x = Tensor([1 as Float, 5, 5, 2, .nan, 9], shape: [2, 3], on: device)
    #expect(try x.argMax(along: 1).scalars(as: Int.self) == [1, 1])
    #expect(try x.argMin(along: 0).scalars(as: Int.self) == [0, 1, 0])
    #expect(x.argMax(along: -1, keepingDimensions: true).shape == [2, 1])
  }

  @Test(arguments: Device.all) func softmaxRowsAndColumns(_ device: Device) throws {
    let x = sampleTensor([4, 33], scale: 3, on: device)
    for (axis, view) in [(1, x), (0, x), (-1, x.transposed())] {
      let values = try view.scalars(as: Double.self)
      let columns = view.shape[1]
      var expected = [Double](repeating: 0, count: values.count)
      for index in values.indices {
        let others =
          axis == 0
          ? (0..<view.shape[0]).map { values[$0 * columns + index % columns] }
          : Array(values[index / columns * columns..<(index / columns + 1) * columns])
        expected[index] = Foundation.exp(values[index]) / others.map { Foundation.exp($0) }.reduce(0, +)
      }
      try expectClose(softmax(view, axis: axis), expected, relative: 1e-5)
      try expectClose(logSoftmax(view, axis: axis), expected.map { Foundation.log($0) }, relative: 1e-5)
    }
    let small = sampleTensor([3, 5], on: device)
    for axis in [0, 1] {
      try expectGradients([small]) { softmax($0[0], axis: axis) }
      try expectGradients([small]) { logSoftmax($0[0], axis: axis) }
      try expectGradients([small], tolerance: 6e-3, "second order") { inputs in
        gradient(at: inputs[0], createGraph: true) { square(softmax($0, axis: axis)).sum() + logSoftmax($0)[0, 1] }
      }
    }
    try expectClose(softmax(Tensor([1000 as Float, 1000, -1000], on: device)), [0.5, 0.5, 0])
  }

  @Test func wrongAxesTrap() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3], on: .cpu).sum(along: 2) }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3], on: .cpu).sum(along: 1, -1) }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([0], on: .cpu).max() }
    await #expect(processExitsWith: .failure) { _ = softmax(Tensor([1, 2], on: .cpu)) }
  }

  /// Enough elements that a device may reduce what is pending without storing it, and often enough that it does.
  @Test(arguments: Device.all) func pendingOperandsReduceAsStoredOnesDo(_ device: Device) throws {
    let numbers = (0..<300_000).map { Float($0 % 1000) / 500 - 1 }
    let x = Tensor(numbers, on: device)
    let squares = numbers.map { (Double($0) - 0.5) * (Double($0) - 0.5) }
    let mean = squares.reduce(0, +) / Double(squares.count)
    for _ in 0..<4 {
      let (loss, gradient) = valueAndGradient(at: x) { square($0 - 0.5).mean() }
      try expectClose(loss, [mean])
      try expectClose(gradient[0..<2000] * 1.5e5, numbers[..<2000].map { Double($0) - 0.5 })
      // What has been reduced is there for other uses, too.
      let pending = square(x - 0.5)
      try expectClose(pending.max(), [2.25])
      try expectClose(pending.sum(), [mean * Double(squares.count)])
      try expectClose(pending[1000..<1003] + 0, Array(squares[1000..<1003]))
      try expectClose((x .> 0).sum(), [Double(numbers.count { $0 > 0 })])
    }
  }
}
