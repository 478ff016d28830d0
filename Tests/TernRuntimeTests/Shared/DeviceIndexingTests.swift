// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Elements picked and added by position along an axis, against loops over `[outer, axis, inner]`.
@Suite struct DeviceIndexingTests {
  /// Extents before, along and behind the axis, and how many are picked. The last ones have few, long lines.
  static let shapes = [
    ([2, 3], 5, [4], 7), ([], 1, [], 3), ([33], 4, [], 2), ([3], 0, [2], 2), ([], 31, [1, 17], 300),
  ]

  /// Calls `body` with each pair (place of an element in `[outer, picked, inner]`, its place along the axis, if valid).
  static func forEach(
    _ outer: Int, _ length: Int, _ inner: Int, _ picked: Int, _ places: [Double], _ body: (Int, Int?) -> Void
  ) {
    for o in 0..<outer {
      for p in 0..<picked {
        for i in 0..<inner {
          let element = (o * picked + p) * inner + i
          let place = Int(places[element])
          body(element, (0..<length).contains(place) ? (o * length + place) * inner + i : nil)
        }
      }
    }
  }

  @Test(arguments: Subject.all, Layout.allCases) func gather(_ subject: Subject, _ layout: Layout) throws {
    let backend = subject.backend
    for (index, (before, length, behind, picked)) in Self.shapes.enumerated() {
      let (outer, inner) = (elementCount(before), elementCount(behind))
      let (xShape, yShape) = (before + [length] + behind, before + [picked] + behind)
      let dtype = DType.allCases[index % DType.allCases.count]
      let x = dtype.rounded(
        testNumbers(elementCount(xShape), -50...50).map { dtype == .bool ? ($0 > 0 ? 1 : 0) : $0.rounded() })
      var places = testNumbers(elementCount(yShape), seed: 3, 0...Double(max(1, length)) - 1e-9).map {
        $0.rounded(.down)
      }
      if places.count > 10 { (places[2], places[7]) = (-1, Double(length)) }
      let y = backend.output(yShape, dtype)
      backend.gather(
        axis: before.count, backend.view(x, xShape, dtype, layout),
        backend.view(places, yShape, index % 2 == 0 ? .int32 : .int64, layout), into: y)
      var expected = [Double](repeating: 0, count: elementCount(yShape))
      Self.forEach(outer, length, inner, picked, places) { element, source in
        expected[element] = source.map { x[$0] } ?? (dtype.isFloatingPoint ? .nan : 0)
      }
      expectClose(try backend.values(y), expected, "\(picked) of \(xShape) \(dtype)")
    }
  }

  @Test(arguments: Subject.all, Layout.allCases) func scatterAdd(_ subject: Subject, _ layout: Layout) throws {
    let backend = subject.backend
    for (index, (before, length, behind, picked)) in (Self.shapes + [([], 11, [3], 1700)]).enumerated() {
      let (outer, inner) = (elementCount(before), elementCount(behind))
      let (xShape, yShape) = (before + [picked] + behind, before + [length] + behind)
      let dtype: DType = picked > 1000 ? .float32 : [.float32, .float16, .int64, .bfloat16, .int32][index % 5]
      let x = dtype.rounded(testNumbers(elementCount(xShape), -50...50).map { dtype == .int64 ? $0.rounded() : $0 })
      var places = testNumbers(elementCount(xShape), seed: 3, 0...Double(max(1, length)) - 1e-9).map {
        $0.rounded(.down)
      }
      if places.count > 10 { (places[2], places[7]) = (-1, Double(length)) }
      let y = backend.output(yShape, dtype)
      backend.scatterAdd(
        axis: before.count, backend.view(x, xShape, dtype, layout),
        backend.view(places, xShape, index % 2 == 0 ? .int32 : .int64, layout), into: y)
      // In order of the axis and in Float32, so that the last bit must agree.
      var sums = [Float](repeating: 0, count: elementCount(yShape))
      Self.forEach(outer, length, inner, picked, places) { element, target in
        if let target { sums[target] += Float(x[element]) }
      }
      expectClose(try backend.values(y), dtype.rounded(sums.map(Double.init)), "\(picked) into \(yShape) \(dtype)")
    }
  }

  /// Lines that all threads share: sums still run in the order of the line, to the last bit.
  @Test(arguments: Subject.all, [(DType.float32, 20_011), (.int64, 70_001), (.float16, 300)])
  func scatterAddOfLongLines(_ subject: Subject, _ setting: (dtype: DType, n: Int)) throws {
    let backend = subject.backend
    let (picked, n, dtype) = (66_001, setting.n, setting.dtype)
    let x = dtype.rounded(testNumbers(2 * picked, -50...50).map { dtype == .int64 ? $0.rounded() : $0 })
    let places = testNumbers(2 * picked, seed: 5, -0.01 * Double(n)...Double(n) * 1.01).map { $0.rounded(.down) }
    let y = backend.output([n, 2], dtype)
    backend.scatterAdd(
      axis: 0, backend.view(x, [picked, 2], dtype), backend.view(places, [picked, 2], .int32, .transposed), into: y)
    var sums = [Float](repeating: 0, count: 2 * n)
    Self.forEach(1, n, 2, picked, places) { element, target in
      if let target { sums[target] += Float(x[element]) }
    }
    expectClose(try backend.values(y), dtype.rounded(sums.map(Double.init)), "\(dtype) into \(n)")
  }

  @Test(arguments: Subject.all) func repeatedIndicesPickWholeRows(_ subject: Subject) throws {
    let backend = subject.backend
    let x = DType.float32.rounded(testNumbers(2 * 5 * 37))
    let places = [3.0, 0, 3, 9]
    let list = backend.view(places, [4], .int32).viewed(shape: [2, 4, 37], strides: [0, 1, 0])
    let y = backend.output([2, 4, 37])
    backend.gather(axis: 1, backend.view(x, [2, 5, 37], .float32, .holes), list, into: y)
    let expected = (0..<2).flatMap { o in
      places.flatMap { p in (0..<37).map { p < 5 ? x[(o * 5 + Int(p)) * 37 + $0] : .nan } }
    }
    expectClose(try backend.values(y), expected)
  }
}
