// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceSortTests {
  /// The first positions of each line of `[outer, n, inner]` in order: NaN is the greatest, equals keep their order.
  static func reference(_ x: [Double], _ outer: Int, _ n: Int, _ inner: Int, _ kept: Int, _ descending: Bool)
    -> [Double]
  {
    var y = [Double](repeating: 0, count: outer * kept * inner)
    for line in 0..<outer * inner {
      let (o, i) = (line / inner, line % inner)
      func value(_ p: Int) -> Double {
        let number = x[(o * n + p) * inner + i]
        return number.isNaN ? .infinity : number
      }
      let order = (0..<n).sorted { a, b in
        let (u, v) = (value(a), value(b))
        return u == v ? a < b : descending ? u > v : u < v
      }
      for p in 0..<kept { y[(o * kept + p) * inner + i] = Double(order[p]) }
    }
    return y
  }

  @Test(arguments: Subject.all, [false, true]) func everyLineInOrder(_ subject: Subject, _ descending: Bool) throws {
    let backend = subject.backend
    // Short lines; lines sorted by digits, together; lines that are none; the first ones only.
    for (index, (before, n, behind, kept)) in [
      ([3], 9, [2], 9), ([], 31, [], 5), ([2], 300, [2], 300), ([5], 1, [], 1), ([3], 400, [], 7), ([2], 4, [], 0),
      ([2], 700, [3], 40), ([2], 16_387, [], 9),
    ].enumerated() {
      let shape = before + [n] + behind
      for dtype in [DType.float32, [.int64, .float16, .int64, .bool, .int32, .bfloat16, .int64, .int32][index]] {
        var numbers = testNumbers(elementCount(shape), seed: 9, -20...20).map {
          dtype == .bool ? ($0 > 0 ? 1 : 0) : $0.rounded()
        }
        if dtype == .int64 { numbers = numbers.map { $0 * 0x1p40 + $0 } }
        if dtype.isFloatingPoint && numbers.count > 8 { (numbers[1], numbers[3], numbers[4]) = (.nan, -0.0, 0) }
        let x = dtype.rounded(numbers)
        let y = backend.output(before + [kept] + behind, .int64)
        let layout = Layout.allCases[index % Layout.allCases.count]
        backend.sortPositions(
          axis: before.count, descending: descending, backend.view(x, shape, dtype, layout), into: y)
        let expected = Self.reference(x, elementCount(before), n, elementCount(behind), kept, descending)
        expectClose(try backend.values(y), expected, "\(shape) \(dtype) \(layout)")
      }
    }
  }

  /// Fewer elements in the last part of a line than are wanted, and nothing but NaN there and elsewhere.
  @Test(arguments: Subject.all) func firstOfAllEqualElements(_ subject: Subject) throws {
    let backend = subject.backend
    for number in [Double.nan, 1] {
      let x = [Double](repeating: number, count: 2 * 16_387)
      for descending in [false, true] {
        let y = backend.output([2, 30], .int64)
        backend.sortPositions(axis: 1, descending: descending, backend.view(x, [2, 16_387]), into: y)
        expectClose(try backend.values(y), (0..<60).map { Double($0 % 30) }, "\(number)")
      }
    }
  }

  @Test(arguments: Subject.all) func oneLongLine(_ subject: Subject) throws {
    let backend = subject.backend
    let n = 70_003
    let x = DType.float32.rounded(testNumbers(n).map { ($0 * 1000).rounded() })
    let y = backend.output([n], .int64)
    backend.sortPositions(axis: 0, descending: false, backend.view(x, [n]), into: y)
    expectClose(try backend.values(y), Self.reference(x, 1, n, 1, n, false))
  }
}
