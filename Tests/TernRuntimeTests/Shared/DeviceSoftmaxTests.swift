// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct DeviceSoftmaxTests {
  /// Applies `body` to each line of elements along the axis.
  static func along(_ axis: Int, _ shape: [Int], _ x: [[Double]], _ body: ([[Double]]) -> [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: elementCount(shape))
    let inner = elementCount(Array(shape[(axis + 1)...]))
    for line in 0..<elementCount(shape) / max(1, shape[axis]) {
      let places = (0..<shape[axis]).map { (line / inner * shape[axis] + $0) * inner + line % inner }
      for (place, value) in zip(places, body(x.map { array in places.map { array[$0] } })) { result[place] = value }
    }
    return result
  }

  static func logSoftmax(_ x: [Double]) -> [Double] {
    let max = x.max()!
    let logarithm = log(x.reduce(0) { $0 + exp($1 - max) })
    return x.map { $0 - max - logarithm }
  }

  static let shapes: [([Int], Int)] = [
    ([1], 0), ([33], 0), ([65, 10], 1), ([5, 1000], 1), ([31, 65], 0), ([3, 33, 5], 1), ([2, 3, 4, 5], 1),
    ([4, 1, 7], 2),
    ([2, 9001], 1), ([300, 3], 1),
  ]

  @Test(arguments: Subject.all, [false, true]) func everyAxisOfEveryLayout(_ subject: Subject, _ logarithm: Bool) throws
  {
    let backend = subject.backend
    for (shape, axis) in Self.shapes {
      let values = testNumbers(elementCount(shape), -8...8)
      for (layout, dtype) in Layout.allCases.flatMap({ [($0, DType.float32), ($0, .bfloat16)] }) + [(.dense, .float16)]
      {
        let y = backend.output(shape, dtype)
        backend.softmax(
          ReductionGeometry("test", shape, axis: axis), logarithm: logarithm,
          backend.view(values, shape, dtype, layout),
          into: y)
        let expected = Self.along(axis, shape, [dtype.rounded(values)]) { line in
          logarithm ? Self.logSoftmax(line[0]) : Self.logSoftmax(line[0]).map { exp($0) }
        }
        // A logarithm near 0 has the error of the sum near 1; half types round to multiples of their least number.
        expectClose(
          try backend.values(y), expected, relative: 2e-6 + 1.01 * dtype.roundoff,
          absolute: logarithm ? 1.5e-7 : dtype == .float16 ? 6e-8 : 1e-9,
          "logarithm \(logarithm) \(shape) along \(axis), \(dtype), \(layout)")
      }
    }
  }

  @Test(arguments: Subject.all, [false, true]) func gradients(_ subject: Subject, _ logarithm: Bool) throws {
    let backend = subject.backend
    for (shape, axis) in Self.shapes {
      let geometry = ReductionGeometry("test", shape, axis: axis)
      let x = testNumbers(elementCount(shape))
      let g = DType.float32.rounded(testNumbers(elementCount(shape), seed: 2))
      let outputs = Self.along(axis, shape, [x]) {
        logarithm ? Self.logSoftmax($0[0]) : Self.logSoftmax($0[0]).map { exp($0) }
      }
      let expected = Self.along(axis, shape, [DType.float32.rounded(outputs), g]) { lines in
        let (y, g) = (lines[0], lines[1])
        let sum = zip(y, g).reduce(0) { $0 + (logarithm ? $1.1 : $1.0 * $1.1) }
        return zip(y, g).map { logarithm ? $1 - exp($0) * sum : $0 * ($1 - sum) }
      }
      for (one, other) in zip(Layout.allCases, Layout.allCases.reversed()) {
        let dx = backend.output(shape)
        backend.softmaxGradient(
          geometry, logarithm: logarithm, y: backend.view(outputs, shape, .float32, one),
          gradient: backend.view(g, shape, .float32, other), into: dx)
        expectClose(
          try backend.values(dx), expected, relative: 4e-6, absolute: 4e-7,
          "logarithm \(logarithm) \(shape) along \(axis), \(one), \(other)")
      }
    }
  }

  @Test(arguments: Subject.all) func extremeLogitsNeitherOverflowNorVanish(_ subject: Subject) throws {
    let backend = subject.backend
    for repeats in [1, 7, 3000] {
      func softmax(_ logits: [Double]) throws -> [Double] {
        let line = logits + [Double](repeating: -.infinity, count: repeats)
        let y = backend.output([1, line.count])
        backend.softmax(
          ReductionGeometry("test", [1, line.count], axis: 1), logarithm: false, backend.view(line, [1, line.count]),
          into: y)
        return try backend.values(y)
      }
      let zeros = [Double](repeating: 0, count: repeats)
      expectClose(try softmax([1e30, 1e30]), [0.5, 0.5] + zeros)
      expectClose(try softmax([-1e30, -300, -100]), [0, 0, 1] + zeros)
      expectClose(try softmax([0, .nan]), [Double](repeating: .nan, count: repeats + 2))
      expectClose(try softmax([]), [Double](repeating: .nan, count: repeats))
    }
  }
}
