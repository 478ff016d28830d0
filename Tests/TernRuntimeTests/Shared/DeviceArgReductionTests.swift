// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceArgReductionTests {
  static func reference(_ kind: ArgReduction, _ x: [Double]) -> Double {
    var best = 0
    for (place, value) in x.enumerated() where !x[best].isNaN {
      if value.isNaN || (kind == .max ? value > x[best] : value < x[best]) { best = place }
    }
    return Double(best)
  }

  static func check(
    _ subject: Subject, _ values: [Double], _ shape: [Int], axis: Int, _ dtype: DType = .float32,
    _ layout: Layout = .dense
  ) throws {
    let geometry = ReductionGeometry("test", shape, axis: axis)
    let x = subject.backend.view(values, shape, dtype, layout)
    for kind in ArgReduction.allCases {
      let y = subject.backend.output(geometry.outputShape, .int64)
      subject.backend.argReduce(kind, geometry, x, into: y)
      let expected = DeviceReductionTests.groups(dtype.rounded(values), geometry).map { reference(kind, $0) }
      expectClose(try subject.backend.values(y), expected, "\(kind) of \(shape) along \(axis), \(dtype), \(layout)")
    }
  }

  @Test(arguments: Subject.all, Layout.allCases) func everyAxis(_ subject: Subject, _ layout: Layout) throws {
    for (shape, axis) in [
      ([1], 0), ([33], 0), ([65, 10], 1), ([65, 31], 0), ([3, 33, 5], 1), ([2, 3, 4, 5], 2), ([7, 300], 1),
    ] {
      let values = testNumbers(elementCount(shape))
      for dtype in [DType.float32, .float16, .int32] {
        // Whole numbers tie often: the first must win.
        try Self.check(
          subject, dtype == .float32 ? values : values.map { $0.rounded() }, shape, axis: axis, dtype, layout)
      }
    }
  }

  @Test(arguments: Subject.all) func longAxesAndTies(_ subject: Subject) throws {
    var values = testNumbers(70_000)
    (values[60_000], values[69_000], values[20_001], values[20_002]) = (9, 9, -9, -9)
    try Self.check(subject, values, [70_000], axis: 0)
    try Self.check(subject, [Double](repeating: 1, count: 70_000), [2, 35_000], axis: 1)
  }

  @Test(arguments: Subject.all) func theFirstNotANumberWins(_ subject: Subject) throws {
    for count in [3, 40, 2000] {
      var values = testNumbers(count * 2)
      (values[count - 1], values[count - 2], values[count + 1]) = (.nan, .nan, .infinity)
      try Self.check(subject, values, [2, count], axis: 1)
      try Self.check(subject, values, [count, 2], axis: 0)
    }
    try Self.check(subject, [Double](repeating: -.infinity, count: 40), [2, 20], axis: 1)
  }

  @Test(arguments: Subject.all) func wideIntegersCompareExactly(_ subject: Subject) throws {
    let base = 0x1p53 - 3
    try Self.check(subject, [base, base + 1, base + 2, base + 1], [4], axis: 0, .int64)
  }
}
