// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceRowsTests {
  static func indices(_ count: Int, rows: Int, seed: UInt64 = 5) -> [Double] {
    testNumbers(count, seed: seed, 0...Double(rows) - 1e-9).map { $0.rounded(.down) }
  }

  @Test(arguments: Subject.all, Layout.allCases) func gather(_ subject: Subject, _ layout: Layout) throws {
    let backend = subject.backend
    for (rows, columns, count) in [(1, 1, 1), (7, 5, 31), (65, 33, 100), (10, 300, 3), (3, 4, 0)] {
      for dtype in DType.allCases {
        let table = dtype.rounded(testNumbers(rows * columns, -50...50).map { dtype == .bool ? ($0 > 0 ? 1 : 0) : $0 })
        var places = Self.indices(count, rows: rows)
        if count > 30 { (places[3], places[20]) = (-1, Double(rows)) }
        let y = backend.output([count, columns], dtype)
        backend.gatherRows(
          backend.view(table, [rows, columns], dtype, layout),
          backend.view(places, [count], count % 2 == 0 ? .int32 : .int64, layout), into: y)
        let expected = places.flatMap { place -> [Double] in
          guard place >= 0, Int(place) < rows else {
            return [Double](repeating: dtype.isFloatingPoint ? .nan : 0, count: columns)
          }
          return Array(table[Int(place) * columns..<(Int(place) + 1) * columns])
        }
        expectClose(try backend.values(y), expected, "\(count) of \(rows)x\(columns) \(dtype)")
      }
    }
  }

  @Test(arguments: Subject.all) func gatherKeepsAllBitsOfWideIntegers(_ subject: Subject) throws {
    let backend = subject.backend
    let table = StridedView(backend.storage(of: [Int64.max, Int64.min, 1]), .int64, shape: [3, 1])
    let y = StridedView(backend.allocate(byteCount: 16), .int64, shape: [2, 1])
    backend.gatherRows(table, backend.view([0, 1], [2], .int32), into: y)
    #expect(try backend.array(Int64.self, 2, from: y.storage) == [.max, .min])
  }

  /// Sums in order of `i`, in Float32, so that the results must agree to the last bit.
  static func scattered(_ dy: [Double], _ places: [Double], rows: Int, columns: Int) -> [Double] {
    var sums = [Float](repeating: 0, count: rows * columns)
    for (i, place) in places.enumerated() where place >= 0 && Int(place) < rows {
      for c in 0..<columns { sums[Int(place) * columns + c] += Float(dy[i * columns + c]) }
    }
    return sums.map(Double.init)
  }

  @Test(arguments: Subject.all, Layout.allCases) func scatterAddsInOrder(_ subject: Subject, _ layout: Layout) throws {
    let backend = subject.backend
    for (rows, columns, count) in [(1, 1, 1), (7, 5, 31), (65, 33, 1000), (300, 3, 77), (10, 17, 0), (70_000, 1, 50)] {
      for dtype in [DType.float32, .float16, .bfloat16] where rows < 1000 || dtype == .float32 {
        let gradients = dtype.rounded(testNumbers(count * columns))
        var places = Self.indices(count, rows: rows)
        if count > 30 { (places[3], places[20]) = (-1, Double(rows)) }
        let table = backend.output([rows, columns], dtype)
        backend.scatterAddRows(
          backend.view(gradients, [count, columns], dtype, layout),
          backend.view(places, [count], count % 2 == 0 ? .int32 : .int64, layout), into: table)
        let expected = Self.scattered(gradients, places, rows: rows, columns: columns)
        expectClose(try backend.values(table), dtype.rounded(expected), "\(count) into \(rows)x\(columns) \(dtype)")
      }
    }
  }

  @Test(arguments: Subject.all) func manyRowsAndOneBusyRow(_ subject: Subject) throws {
    let backend = subject.backend
    let (rows, count) = (100_000, 100_000)
    let gradients = DType.float32.rounded(testNumbers(count))
    for places in [Self.indices(count, rows: rows), [Double](repeating: 4, count: count)] {
      let table = backend.output([rows, 1])
      backend.scatterAddRows(
        backend.view(gradients, [count, 1]), backend.view(places, [count], .int64), into: table)
      expectClose(try backend.values(table), Self.scattered(gradients, places, rows: rows, columns: 1))
    }
  }
}
