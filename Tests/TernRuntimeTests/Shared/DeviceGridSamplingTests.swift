// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct DeviceGridSamplingTests {
  struct Setting: Sendable, CustomTestStringConvertible {
    let mode: GridSampling.Mode
    let padding: GridSampling.Padding
    let aligns: Bool
    var testDescription: String { "\(mode), \(padding)\(aligns ? ", aligned" : "")" }

    static let all: [Setting] = [GridSampling.Mode.bilinear, .nearest, .bicubic].flatMap { mode in
      [GridSampling.Padding.zeros, .border, .reflection].flatMap { padding in
        [false, true].map { Setting(mode: mode, padding: padding, aligns: $0) }
      }
    }

    /// Places and weights along an axis, in Float64; places outside are nil.
    func terms(_ coordinate: Double, _ size: Int) -> [(place: Int?, weight: Double)] {
      let last = Double(size - 1)
      func inside(_ at: Double) -> Double {
        switch padding {
        case .zeros: return at
        case .border: return min(max(at, 0), last)
        case .reflection:
          let (low, high) = aligns ? (0, last) : (-0.5, last + 0.5)
          guard high > low else { return 0 }
          var at = at
          while at < low || at > high { at = at < low ? 2 * low - at : 2 * high - at }
          return min(max(at, 0), last)
        }
      }
      func place(_ at: Double) -> Int? { at >= 0 && at <= last ? Int(at) : nil }
      let at = aligns ? (coordinate + 1) / 2 * last : ((coordinate + 1) * Double(size) - 1) / 2
      switch mode {
      case .nearest: return [(place(inside(at).rounded(.toNearestOrEven)), 1)]
      case .bilinear:
        let position = inside(at), base = position.rounded(.down)
        return [(place(base), 1 - (position - base)), (place(base + 1), position - base)]
      case .bicubic:
        let base = at.rounded(.down), a = -0.75
        return (-1...2).map { step in
          let d = abs(at - base - Double(step))
          let weight =
            d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a
          return (place(inside(base + Double(step))), weight)
        }
      }
    }
  }

  /// Samples of planes, and the terms that each is a sum of.
  private func sampled(
    _ g: GridSampling, _ s: Setting, _ x: [Double], _ grid: [Double]
  ) -> (y: [Double], terms: [[(place: Int, weight: Double)]]) {
    let terms = (0..<g.batch * g.points).map { point -> [(place: Int, weight: Double)] in
      let (columns, rows) = (s.terms(grid[2 * point], g.width), s.terms(grid[2 * point + 1], g.height))
      return rows.flatMap { row in
        columns.compactMap { column in
          guard let h = row.place, let w = column.place else { return nil }
          return (h * g.width + w, row.weight * column.weight)
        }
      }
    }
    var y: [Double] = []
    for plane in 0..<g.batch * g.channels {
      for point in 0..<g.points {
        let start = plane * g.height * g.width
        y.append(terms[plane / g.channels * g.points + point].reduce(0) { $0 + $1.weight * x[start + $1.place] })
      }
    }
    return (y, terms)
  }

  @Test(arguments: Subject.all, Setting.all) func samplesAndGradients(_ subject: Subject, _ s: Setting) throws {
    let backend = subject.backend
    // Points inside, outside and far outside; more of them than the image has elements, so that gradients meet.
    for (input, size) in [([2, 3, 4, 5], [5, 9]), ([1, 9, 1, 3], [1, 40])] {
      let g = GridSampling(
        "test", input: input, grid: [input[0]] + size + [2], mode: s.mode, padding: s.padding, alignsCorners: s.aligns)
      let grid = DType.float32.rounded(testNumbers(elementCount(g.gridShape), seed: 3, -2.3...2.3))
      let values = DType.float32.rounded(testNumbers(elementCount(input)))
      let (expected, terms) = sampled(g, s, values, grid)
      let gradients = DType.float32.rounded(testNumbers(expected.count, seed: 4))
      var sums = [Double](repeating: 0, count: values.count)
      var slopes = [Double](repeating: 0, count: grid.count)
      for plane in 0..<g.batch * g.channels {
        for point in 0..<g.points {
          for term in terms[plane / g.channels * g.points + point] {
            sums[plane * g.height * g.width + term.place] += term.weight * gradients[plane * g.points + point]
          }
        }
      }
      // Central differences in Float64, whose steps are too small to meet the next bend.
      for side in [-1e-6, 1e-6] {
        for axis in 0..<2 {
          var moved = grid
          for point in 0..<grid.count / 2 { moved[2 * point + axis] += side }
          for (index, value) in sampled(g, s, values, moved).y.enumerated() {
            let image = index / (g.channels * g.points)
            slopes[2 * (image * g.points + index % g.points) + axis] += value * gradients[index] / (2 * side)
          }
        }
      }
      for layout in [Layout.dense, .holes] {
        let (x, points) = (
          backend.view(values, input, .float32, layout), backend.view(grid, g.gridShape, .float32, layout)
        )
        let y = backend.output(g.outputShape)
        backend.gridSample(g, x, points, into: y)
        expectClose(try backend.values(y), expected, relative: 1e-5, absolute: 2e-5, "samples, \(layout)")
        let dy = backend.view(gradients, g.outputShape, .float32, layout)
        let (dx, dgrid) = (backend.output(input), backend.output(g.gridShape))
        backend.gridSampleInputGradient(g, dy, points, into: dx)
        expectClose(try backend.values(dx), sums, relative: 1e-5, absolute: 1e-4, "input gradient, \(layout)")
        backend.gridSampleGridGradient(g, dy, x, points, into: dgrid)
        expectClose(try backend.values(dgrid), slopes, relative: 1e-4, absolute: 1e-3, "grid gradient, \(layout)")
      }
    }
  }

  /// Coordinates that are no numbers, or far away, read nothing that is not there.
  @Test(arguments: Subject.all) func wildCoordinatesAreOutside(_ subject: Subject) throws {
    let backend = subject.backend
    let grid: [Double] = [.nan, 0, .infinity, 0, 0, -.infinity, 3e38, -3e38]
    for padding in [GridSampling.Padding.zeros, .border] {
      let g = GridSampling(
        "test", input: [1, 1, 2, 2], grid: [1, 1, 4, 2], mode: .bilinear, padding: padding, alignsCorners: false)
      let y = backend.output(g.outputShape)
      backend.gridSample(g, backend.view([1, 2, 3, 4], [1, 1, 2, 2]), backend.view(grid, g.gridShape), into: y)
      expectClose(try backend.values(y), padding == .zeros ? [0, 0, 0, 0] : [2, 3, 1.5, 2], "\(padding)")
    }
  }

  @Test(arguments: Subject.all) func halfTypesAddUpInFloat(_ subject: Subject) throws {
    let backend = subject.backend
    let g = GridSampling(
      "test", input: [1, 2, 1, 1], grid: [1, 1, 300, 2], mode: .bilinear, padding: .border, alignsCorners: false)
    let dx = backend.output(g.inputShape, .float16)
    backend.gridSampleInputGradient(
      g, backend.view([Double](repeating: 0.125, count: 600), g.outputShape, .float16),
      backend.view([Double](repeating: 0, count: 600), g.gridShape, .float16), into: dx)
    expectClose(try backend.values(dx), [37.5, 37.5])
    let y = backend.output(g.outputShape, .float16)
    backend.gridSample(
      g, backend.view([3, 5], g.inputShape, .float16),
      backend.view([Double](repeating: 0, count: 600), g.gridShape, .float16),
      into: y)
    expectClose(try backend.values(y), [Double](repeating: 3, count: 300) + [Double](repeating: 5, count: 300))
  }
}
