// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceResamplingTests {
  /// Rows with as many terms and without, one without any, and repeated places.
  static let maps: [(rows: AxisMap?, columns: AxisMap?)] = [
    (AxisMap(inputs: 3, rows: [[(2, 0.5), (0, -1)], [], [(1, 1)], [(0, 1), (1, 2), (2, 3)]]), nil),
    (nil, uniform(inputs: 33, outputs: 65, terms: 2)),
    (uniform(inputs: 5, outputs: 4, terms: 1), uniform(inputs: 9, outputs: 17, terms: 4)),
    (uniform(inputs: 4, outputs: 7, terms: 2).transposed(), uniform(inputs: 7, outputs: 31, terms: 1).transposed()),
    (AxisMap(inputs: 2, rows: [[(1, 1)], [(1, 1)], [(0, 1)]]), uniform(inputs: 3, outputs: 20, terms: 1)),
  ]

  private static func uniform(inputs: Int, outputs: Int, terms: Int) -> AxisMap {
    let weights = testNumbers(outputs * terms, seed: 7)
    return AxisMap(
      inputs: inputs,
      rows: (0..<outputs).map { output in
        (0..<terms).map { ((output * 3 + $0) % inputs, Float(weights[output * terms + $0])) }
      })
  }

  private func matrix(_ map: AxisMap?, _ extent: Int) -> [[Double]] {
    guard let map else { return (0..<extent).map { i in (0..<extent).map { $0 == i ? 1 : 0 } } }
    return (0..<map.outputs).map { output in
      var row = [Double](repeating: 0, count: map.inputs)
      for term in Int(map.starts[output])..<Int(map.starts[output + 1]) {
        row[Int(map.places[term])] += Double(map.weights[term])
      }
      return row
    }
  }

  @Test(arguments: Subject.all, maps.indices) func bothAxesAreMapped(_ subject: Subject, _ index: Int) throws {
    let (backend, (rowMap, columnMap)) = (subject.backend, Self.maps[index])
    let shape = [2, 3, rowMap?.inputs ?? 6, columnMap?.inputs ?? 21]
    let (rows, columns) = (matrix(rowMap, shape[2]), matrix(columnMap, shape[3]))
    for (layout, dtype) in Layout.allCases.map({ ($0, DType.float32) }) + [(.holes, .float16)] {
      let values = dtype.rounded(testNumbers(elementCount(shape)))
      var expected: [Double] = []
      for plane in 0..<6 {
        for row in rows {
          for column in columns {
            var sum = 0.0
            for (h, a) in row.enumerated() where a != 0 {
              for (w, b) in column.enumerated() where b != 0 {
                sum += a * b * values[(plane * shape[2] + h) * shape[3] + w]
              }
            }
            expected.append(sum)
          }
        }
      }
      let y = backend.output([2, 3, rows.count, columns.count], dtype)
      backend.resample(rows: rowMap, columns: columnMap, backend.view(values, shape, dtype, layout), into: y)
      expectClose(
        try backend.values(y), expected, relative: dtype.roundoff, absolute: 1e-5, "\(layout) \(dtype)")
    }
  }

  /// What has no weight is not read: an infinite neighbour leaves no NaN.
  @Test(arguments: Subject.all) func infinitiesStayWhereTheyAre(_ subject: Subject) throws {
    let backend = subject.backend
    let y = backend.output([1, 1, 2, 3])
    backend.resample(
      rows: AxisMap(inputs: 2, rows: [[(0, 1)], [(1, 1)]]),
      columns: AxisMap(inputs: 2, rows: [[(0, 1)], [(1, 1)], []]),
      backend.view([.infinity, 1, 2, .nan], [1, 1, 2, 2]), into: y)
    expectClose(try backend.values(y), [.infinity, 1, 0, 2, .nan, 0])
  }
}
