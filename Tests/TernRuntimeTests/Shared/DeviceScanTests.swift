// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceScanTests {
  /// Running results along the middle axis of `[outer, n, inner]`, in Double.
  static func reference(_ kind: Scan, _ x: [Double], _ outer: Int, _ n: Int, _ inner: Int) -> [Double] {
    var y = [Double](repeating: 0, count: x.count)
    for line in 0..<outer * inner {
      let (o, i) = (line / inner, line % inner)
      var value = kind == .product ? 1.0 : 0
      var place = 0
      for p in 0..<n {
        let at = (o * n + p) * inner + i
        let best = x[(o * n + place) * inner + i]
        switch kind {
        case .sum: value += x[at]
        case .product: value *= x[at]
        case .maxPosition: if x[at] > best || (x[at].isNaN && !best.isNaN) { place = p }
        case .minPosition: if x[at] < best || (x[at].isNaN && !best.isNaN) { place = p }
        }
        y[at] = kind.givesPositions ? Double(place) : value
      }
    }
    return y
  }

  @Test(arguments: Subject.all, Scan.allCases) func runsAlongEveryAxis(_ subject: Subject, _ kind: Scan) throws {
    let backend = subject.backend
    for (index, (before, n, behind)) in [
      ([3], 7, [2, 9]), ([2, 5], 33, []), ([], 600, [3]), ([], 1, []), ([4], 0, [2]),
    ]
    .enumerated() {
      let shape = before + [n] + behind
      for dtype in [DType.float32, [.float16, .int32, .bool, .int64, .bfloat16][index]] {
        // Products of 600 numbers stay near 1; a few numbers are equal.
        let range = kind == .product && dtype.isFloatingPoint ? 0.9...1.1 : -4.0...4
        var numbers = testNumbers(elementCount(shape), range).map {
          dtype == .bool ? ($0 > 0 ? 1 : 0) : kind == .product && !dtype.isFloatingPoint ? $0 > 0 ? 1 : -1 : $0
        }
        if kind.givesPositions && dtype == .float32 && numbers.count > 20 { numbers[11] = .nan }
        let x = dtype.rounded(numbers)
        let isReal = dtype.isFloatingPoint && !kind.givesPositions
        let y = backend.output(shape, isReal ? dtype : .int64)
        let layout = Layout.allCases[index]
        backend.scan(kind, axis: before.count, backend.view(x, shape, dtype, layout), into: y)
        let expected = Self.reference(kind, x, elementCount(before), n, elementCount(behind))
        expectClose(
          try backend.values(y), expected, relative: isReal ? 2 * dtype.roundoff + 1e-5 : 0,
          absolute: isReal ? 2e-5 : 0, "\(kind) \(shape) \(dtype) \(layout)")
      }
    }
  }

  /// Extremes across the cuts, where new ones are rare, where each element is one, and behind a NaN.
  @Test(arguments: Subject.all) func extremesOfLongLines(_ subject: Subject) throws {
    let backend = subject.backend
    let n = 66_000
    let random = DType.float32.rounded(testNumbers(n))
    var broken = random
    broken[40_000] = .nan
    let lines = [random, broken, (0..<n).map(Double.init), (0..<n).map { Double($0 / 7 % 5) }]
    for (kind, dtype) in [(Scan.maxPosition, DType.float32), (.minPosition, .float32), (.maxPosition, .int64)] {
      let x = lines.flatMap { line in dtype == .int64 ? line.map { $0.isNaN ? 9 : $0.rounded() } : line }
      let y = backend.output([lines.count, n], .int64)
      backend.scan(kind, axis: 1, backend.view(x, [lines.count, n], dtype), into: y)
      expectClose(try backend.values(y), Self.reference(kind, x, lines.count, n, 1), "\(kind) \(dtype)")
    }
  }

  /// Long enough that lines are cut.
  @Test(arguments: Subject.all, [Scan.sum, .maxPosition]) func longLines(_ subject: Subject, _ kind: Scan) throws {
    let backend = subject.backend
    for (outer, n, inner) in [(1, 70_001, 1), (1, 33_000, 2)] {
      let x = DType.float32.rounded(testNumbers(outer * n * inner, 0...1))
      let y = backend.output([outer, n, inner], kind == .sum ? .float32 : .int64)
      backend.scan(kind, axis: 1, backend.view(x, [outer, n, inner]), into: y)
      // Blocks keep the error near that of one rounding, where adding up in order would lose four digits.
      expectClose(
        try backend.values(y), Self.reference(kind, x, outer, n, inner), relative: kind == .sum ? 1e-6 : 0, "\(n)")
    }
  }
}
