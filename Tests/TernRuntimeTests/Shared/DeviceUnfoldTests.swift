// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceUnfoldTests {
  static let geometries: [UnfoldGeometry] = [
    UnfoldGeometry(
      "test", planes: [1, 1, 1, 1], kernel: .init(1, 1), stride: .init(1, 1), padding: .init(0, 0),
      dilation: .init(1, 1)),
    UnfoldGeometry(
      "test", planes: [2, 3, 7, 33], kernel: .init(3, 3), stride: .init(1, 1), padding: .init(1, 1),
      dilation: .init(1, 1)),
    UnfoldGeometry(
      "test", planes: [1, 2, 9, 8], kernel: .init(2, 3), stride: .init(2, 3), padding: .init(0, 4),
      dilation: .init(3, 2)),
    // A part of slices: the first window starts inside of the planes, the last ones end behind them.
    UnfoldGeometry(
      planes: [2, 2, 6, 20], kernel: .init(3, 1), stride: .init(2, 1), dilation: .init(1, 1), top: -3, left: 0,
      output: .init(2, 20)),
    UnfoldGeometry(
      planes: [1, 2, 4, 5], kernel: .init(2, 1), stride: .init(1, 1), dilation: .init(2, 1), top: 9, left: 0,
      output: .init(3, 5)),
  ]

  /// The position in `x` of each element of the columns, nil outside of the planes.
  static func sources(_ g: UnfoldGeometry) -> [Int?] {
    var places: [Int?] = []
    for plane in 0..<g.batch * g.channels {
      for tap in 0..<g.kernel.height * g.kernel.width {
        for output in 0..<g.output.height * g.output.width {
          let h =
            output / g.output.width * g.stride.height + tap / g.kernel.width * g.dilation.height - g.top
          let w = output % g.output.width * g.stride.width + tap % g.kernel.width * g.dilation.width - g.left
          let isInside = 0..<g.height ~= h && 0..<g.width ~= w
          places.append(isInside ? (plane * g.height + h) * g.width + w : nil)
        }
      }
    }
    return places
  }

  @Test(arguments: Subject.all, geometries) func windowsBecomeColumnsAndBack(
    _ subject: Subject, _ g: UnfoldGeometry
  ) throws {
    let backend = subject.backend
    let sources = Self.sources(g)
    for (layout, dtype) in Layout.allCases.map({ ($0, DType.float32) }) + [(.holes, .float16), (.dense, .bfloat16)] {
      let values = dtype.rounded(testNumbers(elementCount(g.planeShape)))
      // The columns' layout, too: volumes are unfolded with the taps between channels and slices.
      let columns = backend.view([Double](repeating: -77, count: sources.count), g.columnShape, dtype, layout)
      backend.unfold(g, backend.view(values, g.planeShape, dtype, layout), into: columns)
      expectClose(try backend.values(columns), sources.map { $0.map { values[$0] } ?? 0 }, "unfold, \(layout) \(dtype)")

      let parts = dtype.rounded(testNumbers(sources.count, seed: 2))
      var sums = [Double](repeating: 0, count: values.count)
      for (source, part) in zip(sources, parts) { if let source { sums[source] += part } }
      let x = backend.output(g.planeShape, dtype)
      backend.fold(g, backend.view(parts, g.columnShape, dtype, layout), into: x)
      expectClose(
        try backend.values(x), sums, relative: dtype.roundoff, absolute: 4e-6, "fold, \(layout) \(dtype)")
    }
  }
}
