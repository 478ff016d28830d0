// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct CPUReductionTests {
  /// Groups the elements of a view by output position, in order of the reduced axes.
  func groups(_ values: [Float], _ geometry: ReductionGeometry) -> [[Double]] {
    var groups = [[Double]](repeating: [], count: elementCount(geometry.outputShape))
    for (index, value) in values.enumerated() {
      var rest = index
      var position = 0
      var scale = 1
      for axis in geometry.inputShape.indices.reversed() {
        let coordinate = rest % geometry.inputShape[axis]
        rest /= geometry.inputShape[axis]
        if geometry.axes.contains(axis) { continue }
        position += coordinate * scale
        scale *= geometry.inputShape[axis]
      }
      groups[position].append(Double(value))
    }
    return groups
  }

  func define(_ kind: Reduction, _ group: [Double]) -> Double {
    let isNaN = group.contains(where: \.isNaN)
    switch kind {
    case .sum: return group.reduce(0, +)
    case .mean: return group.reduce(0, +) / Double(group.count)
    case .product: return group.reduce(1, *)
    case .max: return isNaN ? .nan : group.reduce(-.infinity, max)
    case .min: return isNaN ? .nan : group.reduce(.infinity, min)
    case .sumOfSquares: return group.reduce(0) { $0 + $1 * $1 }
    case .logSumExp:
      let greatest = group.max() ?? -.infinity
      if greatest.isInfinite || isNaN { return isNaN ? .nan : greatest }
      return greatest + log(group.reduce(0) { $0 + exp($1 - greatest) })
    }
  }

  static let cases: [(shape: [Int], axes: [Int])] = [
    ([7], [0]), ([33, 65], [1]), ([33, 65], [0]), ([33, 65], [0, 1]), ([4, 3, 5, 6], [0, 2, 3]), ([4, 3, 5, 6], [1]),
    ([4, 3, 5, 6], [1, 3]), ([2, 3, 2, 3, 2, 3], [0, 2, 4]), ([2, 3, 2, 3, 2, 3, 2], [0, 2, 4, 6]), ([3, 1, 1], [1]),
    ([1, 1], [0, 1]), ([], []), ([6, 4], []), ([300, 2], [0]), ([2, 600], [0]), ([9000], [0]),
  ]

  @Test(arguments: everyCPU) func everyKindOverAnyAxes(_ cpu: CPUBackend) {
    var random = SplitMix(state: 3)
    for (shape, axes) in Self.cases {
      let geometry = ReductionGeometry("test", shape, axes: axes)
      let values = random.floats(elementCount(shape), in: -1.5...1.5)
      for kind in Reduction.allCases {
        let y = cpu.scratch(geometry.outputShape)
        cpu.reduce(kind, geometry, cpu.view(values, shape), into: y)
        let want = groups(values, geometry).map { define(kind, $0) }
        expectClose(cpu.floats(y), want, relative: 3e-6, absolute: 3e-6, "\(kind) of \(shape) over \(axes)")
      }
    }
  }

  @Test(arguments: everyCPU) func stridedHalfAndOffsetInputs(_ cpu: CPUBackend) {
    var random = SplitMix(state: 4)
    let values = random.floats(31 * 33 * 5)
    for dtype in [DType.float32, .float16, .bfloat16] {
      let stored = cpu.scratch([values.count], dtype)
      cpu.convert(cpu.view(values), into: stored)
      for (shape, strides, offset) in [
        ([33, 31, 5], [1, 33, 31 * 33], 0), ([31, 16, 4], [33 * 5, 10, 1], 1), ([5, 33], [0, -1], 40),
      ] {
        let x = StridedView(stored.storage, dtype, shape: shape, strides: strides, offset: offset)
        for axes in [[0], [shape.count - 1], [0, 1]] {
          let geometry = ReductionGeometry("test", shape, axes: axes)
          let y = cpu.scratch(geometry.outputShape, dtype)
          cpu.reduce(.sum, geometry, x, into: y)
          let want = groups(cpu.floats(x), geometry).map { define(.sum, $0) }
          let relative = dtype == .float32 ? 1e-5 : (dtype == .float16 ? 6e-4 : 5e-3)
          expectClose(cpu.floats(y), want, relative: relative, absolute: 1e-5, "\(dtype) \(shape) \(axes)")
        }
      }
    }
  }

  @Test(arguments: everyCPU) func notANumberAndInfinitiesPropagate(_ cpu: CPUBackend) {
    var values = [Float](repeating: 1, count: 300)
    values[137] = .nan
    for (shape, axis) in [([1, 300], 1), ([300, 1], 0), ([100, 3], 0), ([3, 100], 1)] {
      let geometry = ReductionGeometry("test", shape, axis: axis)
      for kind in Reduction.allCases {
        let y = cpu.scratch(geometry.outputShape)
        cpu.reduce(kind, geometry, cpu.view(values, shape), into: y)
        let want = groups(values, geometry).map { define(kind, $0) }
        expectClose(cpu.floats(y), want, "\(kind) of \(shape)")
      }
    }
    let geometry = ReductionGeometry("test", [3, 70], axis: 1)
    let y = cpu.scratch([3])
    let rows = [-Float.infinity, .infinity, 80].flatMap { [Float](repeating: $0, count: 70) }
    cpu.reduce(.logSumExp, geometry, cpu.view(rows, [3, 70]), into: y)
    #expect(cpu.floats(y)[0] == -.infinity && cpu.floats(y)[1] == .infinity)
    expectClose([cpu.floats(y)[2]], [80 + log(70)])
  }

  @Test(arguments: everyCPU) func integersAndBooleansAddUpIn64Bits(_ cpu: CPUBackend) {
    let large = [Int32](repeating: .max, count: 1000)
    let y = cpu.scratch([], .int64)
    let geometry = ReductionGeometry("test", [1000], axis: 0)
    cpu.reduce(.sum, geometry, cpu.view(large, .int32), into: y)
    #expect(cpu.integers(y) == [1000 * Int(Int32.max)])
    cpu.reduce(.sum, geometry, cpu.view([UInt8](repeating: 1, count: 1000), .bool), into: y)
    #expect(cpu.integers(y) == [1000])
    let values: [Int64] = [5, -9, 3, .max - 1, 7, 2]
    let pairs = ReductionGeometry("test", [3, 2], axis: 0)
    let z = cpu.scratch([2], .int64)
    cpu.reduce(.max, pairs, cpu.view(values, .int64, [3, 2]), into: z)
    #expect(cpu.integers(z) == [7, .max - 1])
    cpu.reduce(.min, pairs, cpu.view(values, .int64, [3, 2]), into: z)
    #expect(cpu.integers(z) == [3, -9])
    let products = cpu.scratch([3], .int64)
    let factors: [Int64] = [1, 2, 3, 4, -5, 6]
    cpu.reduce(
      .product, ReductionGeometry("test", [3, 2], axis: 1), cpu.view(factors, .int64, [3, 2]), into: products)
    #expect(cpu.integers(products) == [2, 12, -30])
    let mean = cpu.scratch([])
    cpu.reduce(.mean, ReductionGeometry("test", [4], axis: 0), cpu.view([1, 0, 1, 1] as [UInt8], .bool), into: mean)
    #expect(cpu.floats(mean) == [0.75])
  }

  @Test func nothingAddsUpToZero() {
    let cpu = everyCPU[0]
    let y = cpu.scratch([3])
    let geometry = ReductionGeometry("test", [3, 0], axis: 1)
    let x = cpu.view([Float](), [3, 0])
    for (kind, want) in [(Reduction.sum, Float(0)), (.product, 1), (.sumOfSquares, 0), (.logSumExp, -.infinity)] {
      cpu.reduce(kind, geometry, x, into: y)
      #expect(cpu.floats(y) == [want, want, want], "\(kind)")
    }
  }

  @Test func longReductionsAreAccurateAndTheSameForAnyThreads() {
    var random = SplitMix(state: 5)
    // Above 2^17 elements long reductions are cut into parts.
    for (shape, axes) in [
      ([140_000], [0]), ([47_000, 3], [0]), ([3, 50_000], [1]), ([20, 3, 2500], [0, 2]), ([1200, 120], [0]),
    ] {
      let geometry = ReductionGeometry("test", shape, axes: axes)
      let values = random.floats(elementCount(shape), in: 0...1)
      let groups = groups(values, geometry)
      for kind in [Reduction.sum, .logSumExp, .sumOfSquares, .max] {
        let results = oneAndManyThreads.map { cpu in
          let y = cpu.scratch(geometry.outputShape)
          cpu.reduce(kind, geometry, cpu.view(values, shape), into: y)
          return cpu.floats(y)
        }
        let label = "\(kind) of \(shape) over \(axes)"
        expectClose(results[0], groups.map { define(kind, $0) }, relative: 4e-7, label)
        #expect(results[0] == results[1] && results[0] == results[2], "\(label)")
      }
    }
  }

  @Test func sumsAreTheSameOnEveryInstructionSet() {
    var random = SplitMix(state: 15)
    for (shape, axis) in [([9001], 0), ([300, 70], 0), ([3, 4100], 1)] {
      let geometry = ReductionGeometry("test", shape, axis: axis)
      let values = random.floats(elementCount(shape))
      let results = everyCPU.map { cpu in
        let y = cpu.scratch(geometry.outputShape)
        cpu.reduce(.sum, geometry, cpu.view(values, shape), into: y)
        return cpu.floats(y)
      }
      for result in results { #expect(result == results[0], "\(shape) over \(axis)") }
    }
  }

  @Test(arguments: everyCPU) func positionsOfExtremes(_ cpu: CPUBackend) {
    var random = SplitMix(state: 6)
    for (shape, axis) in [
      ([65], 0), ([33, 130], 1), ([130, 33], 0), ([4, 31, 5], 1), ([300, 2, 1], 0), ([2, 1], 1),
    ] {
      // Few distinct values, so that ties abound, and one NaN.
      var values = (0..<elementCount(shape)).map { _ in Float(Int.random(in: -3...3, using: &random)) }
      for withNaN in [false, true] {
        if withNaN {
          values[values.count / 2] = .nan
          values[values.count - 1] = .nan
        }
        let geometry = ReductionGeometry("test", shape, axis: axis)
        for kind in ArgReduction.allCases {
          let y = cpu.scratch(geometry.outputShape, .int64)
          cpu.argReduce(kind, geometry, cpu.view(values, shape), into: y)
          let want = groups(values, geometry).map { group -> Int in
            if let first = group.firstIndex(where: \.isNaN) { return first }
            return group.firstIndex(of: kind == .max ? group.max()! : group.min()!)!
          }
          #expect(cpu.integers(y) == want, "\(kind) \(shape) \(axis)")
        }
      }
    }
    let y = cpu.scratch([], .int64)
    let large: [Int64] = [1 << 60, (1 << 60) + 1, 3]
    cpu.argReduce(.max, ReductionGeometry("test", [3], axis: 0), cpu.view(large, .int64), into: y)
    #expect(cpu.integers(y) == [1])
  }
}
