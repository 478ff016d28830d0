// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DevicePoolingTests {
  static let geometries: [PoolingGeometry] = [
    PoolingGeometry("test", input: [1, 1, 1, 1], kernel: (1, 1), stride: (1, 1)),
    PoolingGeometry("test", input: [2, 3, 8, 8], kernel: (2, 2), stride: (2, 2)),
    PoolingGeometry("test", input: [2, 3, 24, 24], kernel: (2, 2), stride: (2, 2)),
    PoolingGeometry("test", input: [3, 2, 33, 65], kernel: (2, 2), stride: (2, 2)),
    PoolingGeometry("test", input: [1, 2, 31, 33], kernel: (3, 3), stride: (1, 1), padding: (1, 1)),
    PoolingGeometry("test", input: [2, 2, 31, 37], kernel: (3, 3), stride: (2, 2), padding: (1, 1)),
    PoolingGeometry("test", input: [2, 2, 9, 13], kernel: (3, 2), stride: (2, 1), padding: (1, 0), dilation: (2, 3)),
    PoolingGeometry("test", input: [1, 5, 17, 40], kernel: (2, 5), stride: (3, 2), padding: (0, 2), roundsUp: true),
    PoolingGeometry("test", input: [2, 1, 7, 7], kernel: (3, 3), stride: (2, 2), countsPadding: false, roundsUp: true),
    PoolingGeometry(
      "test", input: [1, 2, 20, 34], kernel: (4, 4), stride: (3, 3), padding: (2, 2), countsPadding: false,
      roundsUp: true),
    PoolingGeometry("test", input: [1, 1, 7, 70], kernel: (7, 3), stride: (1, 3)),
    PoolingGeometry(
      "test", input: [2, 1, 40, 40], kernel: (3, 3), stride: (1, 1), padding: (1, 1), countsPadding: false),
    PoolingGeometry("test", input: [2, 2, 8, 8], kernel: (2, 2), stride: (2, 2), divisor: 3),
    PoolingGeometry(
      "test", input: [1, 2, 9, 37], kernel: (3, 3), stride: (2, 1), padding: (1, 1), divisor: 5, roundsUp: true),
    PoolingGeometry("test", input: [2, 2, 8, 6], output: (1, 1)),
    PoolingGeometry("test", input: [2, 3, 10, 12], output: (7, 5)),
    PoolingGeometry("test", input: [1, 2, 33, 65], output: (31, 3)),
    PoolingGeometry("test", input: [2, 1, 5, 3], output: (9, 20)),
    PoolingGeometry("test", input: [1, 2, 6, 9], output: (3, 4)),
  ]

  /// The taps of each output: positions in its input plane, nil in the padding that counts.
  static func windows(_ g: PoolingGeometry) -> [[Int?]] {
    if g.isAdaptive { return adaptiveWindows(g) }
    return windowsOfOneSize(g)
  }

  /// Positions whose share of the axis overlaps that of the output: both axes are 1 long, whatever they are divided
  /// into.
  private static func adaptiveWindows(_ g: PoolingGeometry) -> [[Int?]] {
    func positions(_ size: Int, _ outputs: Int, _ output: Int) -> [Int] {
      (0..<size).filter { $0 * outputs < (output + 1) * size && ($0 + 1) * outputs > output * size }
    }
    let rows = (0..<g.outputHeight).map { positions(g.inputHeight, g.outputHeight, $0) }
    let columns = (0..<g.outputWidth).map { positions(g.inputWidth, g.outputWidth, $0) }
    return rows.flatMap { rows in
      columns.map { columns in rows.flatMap { row in columns.map { row * g.inputWidth + $0 } } }
    }
  }

  private static func windowsOfOneSize(_ g: PoolingGeometry) -> [[Int?]] {
    (0..<g.outputHeight * g.outputWidth).map { output in
      (0..<g.kernelHeight * g.kernelWidth).compactMap { tap -> Int?? in
        let h = output / g.outputWidth * g.strideHeight - g.padHeight + tap / g.kernelWidth * g.dilationHeight
        let w = output % g.outputWidth * g.strideWidth - g.padWidth + tap % g.kernelWidth * g.dilationWidth
        // Rounding up makes windows that reach beyond even the padding.
        if h >= g.inputHeight + g.padHeight || w >= g.inputWidth + g.padWidth { return .none }
        let isInside = (0..<g.inputHeight).contains(h) && (0..<g.inputWidth).contains(w)
        return .some(isInside ? h * g.inputWidth + w : nil)
      }
    }
  }

  /// Calls `body` for each output with its number, the start of its input plane and its window.
  static func forEachOutput(_ g: PoolingGeometry, _ body: (Int, Int, [Int?]) -> Void) {
    let windows = windows(g)
    for plane in 0..<g.batch * g.channels {
      for (output, window) in windows.enumerated() {
        body(plane * windows.count + output, plane * g.inputHeight * g.inputWidth, window)
      }
    }
  }

  static func maximum(_ g: PoolingGeometry, _ x: [Double]) -> (values: [Double], places: [Double]) {
    var result: (values: [Double], places: [Double]) = ([], [])
    forEachOutput(g) { _, start, window in
      var (best, place) = (-Double.infinity, -1)
      for case let position? in window {
        let value = x[start + position]
        if place < 0 || value > best || (value.isNaN && !best.isNaN) { (best, place) = (value, position) }
      }
      result.values.append(best)
      result.places.append(Double(place))
    }
    return result
  }

  static func divisor(_ g: PoolingGeometry, _ window: [Int?]) -> Double {
    g.divisor > 0
      ? Double(g.divisor) : Double(max(1, g.countsPadding ? window.count : window.compactMap { $0 }.count))
  }

  @Test(arguments: Subject.all, geometries) func forward(_ subject: Subject, _ g: PoolingGeometry) throws {
    let backend = subject.backend
    for (layout, dtype) in Layout.allCases.map({ ($0, DType.float32) }) + [(.dense, .float16), (.holes, .bfloat16)] {
      // Few different values, so that maxima tie.
      let values = dtype.rounded(testNumbers(elementCount(g.inputShape), -8...8).map { $0.rounded() - 20 })
      let x = backend.view(values, g.inputShape, dtype, layout)
      let (y, places) = (backend.output(g.outputShape, dtype), backend.output(g.outputShape, .int32))
      backend.maxPool(g, x, into: y, indices: places)
      let expected = Self.maximum(g, values)
      expectClose(try backend.values(y), expected.values, "maximum, \(layout) \(dtype)")
      expectClose(try backend.values(places), expected.places, "indices, \(layout) \(dtype)")
      let alone = backend.output(g.outputShape, dtype)
      backend.maxPool(g, x, into: alone, indices: nil)
      expectClose(try backend.values(alone), expected.values, "maximum alone, \(layout) \(dtype)")

      var means: [Double] = []
      Self.forEachOutput(g) { _, start, window in
        means.append(window.compactMap { $0 }.reduce(0) { $0 + values[start + $1] } / Self.divisor(g, window))
      }
      backend.averagePool(g, x, into: y)
      expectClose(try backend.values(y), means, relative: 1e-6 + dtype.roundoff, "mean, \(layout) \(dtype)")
    }
  }

  @Test(arguments: Subject.all, geometries) func gradients(_ subject: Subject, _ g: PoolingGeometry) throws {
    let backend = subject.backend
    let values = testNumbers(elementCount(g.inputShape)).map { $0.rounded() }
    let places = Self.maximum(g, values).places
    for (layout, dtype) in Layout.allCases.map({ ($0, DType.float32) }) + [(.dense, .float16)] {
      let gradients = dtype.rounded(testNumbers(elementCount(g.outputShape), seed: 2))
      let dy = backend.view(gradients, g.outputShape, dtype, layout)
      var (maximum, mean) = (values.map { _ in 0.0 }, values.map { _ in 0.0 })
      Self.forEachOutput(g) { output, start, window in
        maximum[start + Int(places[output])] += gradients[output]
        for case let position? in window { mean[start + position] += gradients[output] / Self.divisor(g, window) }
      }
      let dx = backend.output(g.inputShape, dtype)
      backend.maxPoolGradient(g, dy, indices: backend.view(places, g.outputShape, .int32, .offset), into: dx)
      expectClose(
        try backend.values(dx), maximum, relative: dtype.roundoff, absolute: 2e-6, "maximum, \(layout) \(dtype)")
      backend.averagePoolGradient(g, dy, into: dx)
      expectClose(
        try backend.values(dx), mean, relative: dtype.roundoff, absolute: dtype == .float16 ? 6e-8 : 2e-6,
        "mean, \(layout) \(dtype)")
    }
  }

  @Test(arguments: Subject.all) func specialValuesInWindows(_ subject: Subject) throws {
    let backend = subject.backend
    for width in [4, 40] {
      let g = PoolingGeometry("test", input: [1, 1, 4, width], kernel: (3, 3), stride: (1, 1), padding: (1, 1))
      var values = [Double](repeating: -.infinity, count: 4 * width)
      values[width - 1] = .nan
      values[width - 2] = .nan
      values[2 * width] = .infinity
      let (y, places) = (backend.output(g.outputShape), backend.output(g.outputShape, .int32))
      backend.maxPool(g, backend.view(values, g.inputShape), into: y, indices: places)
      let expected = Self.maximum(g, values)
      expectClose(try backend.values(y), expected.values, "maximum of width \(width)")
      expectClose(try backend.values(places), expected.places, "indices of width \(width)")
    }
  }
}
