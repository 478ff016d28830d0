// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct DeviceReductionTests {
  /// The reduction of one output's elements.
  static func reference(_ kind: Reduction, _ x: [Double]) -> Double {
    func extreme(_ better: (Double, Double) -> Bool, _ start: Double) -> Double {
      x.reduce(start) { $0.isNaN ? $0 : ($1.isNaN || better($1, $0) ? $1 : $0) }
    }
    switch kind {
    case .sum: return x.reduce(0, +)
    case .mean: return x.reduce(0, +) / Double(x.count)
    case .product: return x.reduce(1, *)
    case .max: return extreme(>, -.infinity)
    case .min: return extreme(<, .infinity)
    case .sumOfSquares: return x.reduce(0) { $0 + $1 * $1 }
    case .logSumExp:
      let max = extreme(>, -.infinity)
      return max.isFinite ? max + log(x.reduce(0) { $0 + exp($1 - max) }) : max
    }
  }

  /// The elements of each output, in row-major order.
  static func groups(_ x: [Double], _ geometry: ReductionGeometry) -> [[Double]] {
    let kept = geometry.inputShape.indices.filter { !geometry.axes.contains($0) }
    var groups = [[Double]](repeating: [], count: elementCount(geometry.outputShape))
    guard !kept.isEmpty else { return [x] }
    let strides = contiguousStrides(geometry.inputShape)
    for (position, value) in x.enumerated() {
      var output = 0
      for axis in kept {
        output = output * geometry.inputShape[axis] + position / strides[axis] % geometry.inputShape[axis]
      }
      groups[output].append(value)
    }
    return groups
  }

  static func check(
    _ subject: Subject, _ kind: Reduction, _ values: [Double], _ shape: [Int], axes: [Int], _ dtype: DType = .float32,
    _ layout: Layout = .dense, into outputType: DType? = nil, tolerance: Double = 4e-7
  ) throws {
    let geometry = ReductionGeometry("test", shape, axes: axes)
    let x = subject.backend.view(values, shape, dtype, layout)
    let y = subject.backend.output(geometry.outputShape, outputType ?? dtype)
    subject.backend.reduce(kind, geometry, x, into: y)
    let groups = groups(dtype.rounded(values), geometry)
    // Rounding errors of a sum are relative to the sum of the magnitudes.
    let scale =
      groups.map { group in
        let magnitudes = group.reduce(0) { $0 + abs($1) }
        return kind == .sum ? magnitudes : kind == .mean ? magnitudes / Double(max(1, group.count)) : 0
      }.max() ?? 0
    expectClose(
      try subject.backend.values(y), groups.map { reference(kind, $0) }, relative: tolerance + y.dtype.roundoff,
      absolute: tolerance * scale, "\(kind) of \(shape) over \(axes), \(dtype), \(layout)")
  }

  @Test(arguments: Subject.all, Reduction.allCases) func everyAxisOfEveryLayout(_ subject: Subject, _ kind: Reduction)
    throws
  {
    let cases: [([Int], [Int])] = [
      ([], []), ([1], [0]), ([33], [0]), ([65, 31], [1]), ([65, 31], [0]), ([3, 65], [1]), ([65, 3], [0]),
      ([5, 7], []),
      ([9, 33, 31], [0, 2]), ([9, 33, 31], [1]), ([2, 3, 5, 7], [1, 3]), ([2, 3, 5, 7], [0, 2]),
      ([4, 1, 6, 1], [3, 0]),
      ([300, 4], [1]), ([1, 1], [0, 1]),
    ]
    for (shape, axes) in cases {
      let values = testNumbers(
        elementCount(shape), seed: UInt64(shape.count + 1), kind == .product ? 0.9...1.1 : -2...2)
      for layout in Layout.allCases {
        // Products gather one rounding for each factor.
        try Self.check(
          subject, kind, values, shape, axes: axes, .float32, layout, tolerance: kind == .product ? 2e-5 : 4e-7)
      }
    }
  }

  @Test(arguments: Subject.all) func longSumsStayAccurate(_ subject: Subject) throws {
    let values = testNumbers(100_001, 0...1)
    for kind in [Reduction.sum, .sumOfSquares, .logSumExp, .max] {
      try Self.check(subject, kind, values, [100_001], axes: [0], tolerance: 2e-7)
      try Self.check(subject, kind, Array(values.dropLast()), [5000, 20], axes: [0], tolerance: 2e-7)
    }
    try Self.check(subject, .mean, Array(values.dropLast()), [50_000, 2], axes: [0], tolerance: 2e-7)
  }

  @Test(arguments: Subject.all, [DType.float16, .bfloat16]) func halfTypesAccumulateInFloat(
    _ subject: Subject, _ dtype: DType
  ) throws {
    for layout in Layout.allCases {
      try Self.check(subject, .sum, testNumbers(2000, 0...2), [2, 1000], axes: [1], dtype, layout)
      try Self.check(subject, .max, testNumbers(2000), [1000, 2], axes: [0], dtype, layout)
      try Self.check(subject, .logSumExp, testNumbers(2000), [40, 50], axes: [0], dtype, layout)
    }
  }

  @Test(arguments: Subject.all) func integersReduceIn64Bits(_ subject: Subject) throws {
    let big = [Double](repeating: 2e9, count: 1000)
    try Self.check(subject, .sum, big, [1000], axes: [0], .int32, into: .int64)
    let values = testNumbers(33 * 40, -9...9).map { $0.rounded() }
    for kind in [Reduction.sum, .max, .min, .sumOfSquares] {
      for dtype in [DType.int32, .int64] {
        try Self.check(subject, kind, values, [33, 40], axes: [0], dtype, .transposed)
        try Self.check(subject, kind, values, [33, 40], axes: [1], dtype, .holes)
      }
    }
    try Self.check(subject, .product, (1...20).map(Double.init), [20], axes: [0], .int64)
    let bits = values.map { $0 > 0 ? 1.0 : 0 }
    try Self.check(subject, .sum, bits, [33, 40], axes: [1], .bool, into: .int64)
    try Self.check(subject, .max, bits, [33, 40], axes: [1], .bool)
    try Self.check(subject, .min, bits, [33, 40], axes: [0], .bool)
  }

  @Test(arguments: Subject.all, [1, 17, 1100]) func specialValuesComeThrough(_ subject: Subject, _ count: Int) throws {
    for special in [[Double.nan], [.infinity], [-.infinity], [.infinity, .nan], [-.infinity, .infinity]] {
      for kind in Reduction.allCases where kind != .product {
        let values = Array((special + [Double](repeating: 0.5, count: count)).reversed())
        try Self.check(subject, kind, values, [values.count], axes: [0])
        try Self.check(
          subject, kind, values.flatMap { Array(repeating: $0, count: 17) }, [values.count, 17], axes: [0])
      }
    }
    let nothing = [Double](repeating: -.infinity, count: count)
    try Self.check(subject, .logSumExp, nothing, [count], axes: [0])
    try Self.check(subject, .logSumExp, [Double](repeating: 1e4, count: count), [count], axes: [0])
  }

  @Test(arguments: Subject.all, Reduction.allCases) func nothingGivesTheIdentity(_ subject: Subject, _ kind: Reduction)
    throws
  {
    try Self.check(subject, kind, [], [3, 0], axes: [1])
    try Self.check(subject, kind, [], [0, 20], axes: [0])
    try Self.check(subject, kind, [], [0, 3], axes: [1])
  }

  @Test(arguments: Subject.all) func broadcastInputsAreRepeated(_ subject: Subject) throws {
    let x = subject.backend.view(testNumbers(31), [31]).viewed(shape: [5, 31], strides: [0, 1])
    let y = subject.backend.output([31])
    subject.backend.reduce(.sum, ReductionGeometry("test", [5, 31], axes: [0]), x, into: y)
    expectClose(try subject.backend.values(y), DType.float32.rounded(testNumbers(31)).map { 5 * $0 }, relative: 3e-7)
  }

  @Test(arguments: Subject.all) func sumsAreTheSameBitsOnEveryRun(_ subject: Subject) throws {
    let x = subject.backend.view(testNumbers(70_000), [70_000])
    let sums = try (0..<5).map { _ in
      let y = subject.backend.output([])
      subject.backend.reduce(.sum, ReductionGeometry("test", [70_000], axes: [0]), x, into: y)
      return try subject.backend.values(y)
    }
    #expect(Set(sums).count == 1)
  }
}
