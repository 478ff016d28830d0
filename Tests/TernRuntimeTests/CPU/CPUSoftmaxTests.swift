// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct CPUSoftmaxTests {
  /// Calls `body` with the positions of each line along `axis`.
  func forEachLine(_ shape: [Int], _ axis: Int, _ body: ([Int]) -> Void) {
    let inner = elementCount(Array(shape[(axis + 1)...]))
    let length = shape[axis]
    for outer in 0..<elementCount(Array(shape[..<axis])) {
      for column in 0..<inner { body((0..<length).map { (outer * length + $0) * inner + column }) }
    }
  }

  func define(_ x: [Float], _ shape: [Int], _ axis: Int, logarithm: Bool) -> [Double] {
    var y = [Double](repeating: 0, count: x.count)
    forEachLine(shape, axis) { line in
      let greatest = line.map { Double(x[$0]) }.max()!
      let sum = line.reduce(0) { $0 + exp(Double(x[$1]) - greatest) }
      for i in line {
        let shifted = Double(x[i]) - greatest
        y[i] = logarithm ? shifted - log(sum) : exp(shifted) / sum
      }
    }
    return y
  }

  static let cases: [(shape: [Int], axis: Int)] = [
    ([1], 0), ([3, 1], 1), ([5, 10], 1), ([33, 65], 1), ([65, 33], 0), ([4, 31, 5], 1), ([2, 7, 300], 1),
    ([9, 1000], 1),
  ]

  @Test(arguments: everyCPU) func valuesAndGradients(_ cpu: CPUBackend) {
    var random = SplitMix(state: 8)
    for (shape, axis) in Self.cases {
      let n = elementCount(shape)
      let geometry = ReductionGeometry("test", shape, axis: axis)
      let x = random.floats(n, in: -30...30)
      let g = random.floats(n)
      for logarithm in [false, true] {
        let label = "\(shape) axis \(axis) logarithm \(logarithm)"
        let y = cpu.scratch(shape)
        let dx = cpu.scratch(shape)
        cpu.softmax(geometry, logarithm: logarithm, cpu.view(x, shape), into: y)
        let want = define(x, shape, axis, logarithm: logarithm)
        expectClose(cpu.floats(y), want, relative: 4e-6, absolute: logarithm ? 4e-6 : 1e-30, label)
        cpu.softmaxGradient(geometry, logarithm: logarithm, y: y, gradient: cpu.view(g, shape), into: dx)
        var wantGradient = want
        forEachLine(shape, axis) { line in
          let sum = line.reduce(0) { $0 + Double(g[$1]) * (logarithm ? 1 : want[$1]) }
          for i in line {
            wantGradient[i] = logarithm ? Double(g[i]) - exp(want[i]) * sum : want[i] * (Double(g[i]) - sum)
          }
        }
        expectClose(cpu.floats(dx), wantGradient, relative: 1e-5, absolute: 1e-5, label)
      }
    }
  }

  @Test(arguments: everyCPU) func stridedHalfInputs(_ cpu: CPUBackend) {
    var random = SplitMix(state: 9)
    let stored = cpu.scratch([31 * 40], .float16)
    cpu.convert(cpu.view(random.floats(31 * 40)), into: stored)
    let x = StridedView(stored.storage, .float16, shape: [33, 31], strides: [1, 40], offset: 3)
    let y = cpu.scratch([33, 31], .float16)
    cpu.softmax(ReductionGeometry("test", [33, 31], axis: -1), logarithm: true, x, into: y)
    expectClose(cpu.floats(y), define(cpu.floats(x), [33, 31], 1, logarithm: true), relative: 6e-4)
  }

  @Test(arguments: everyCPU) func largeLogitsDoNotOverflowAndNaNSpreads(_ cpu: CPUBackend) {
    let x: [Float] = [1e30, 1e30, -1e30, .nan, 0, 1, -.infinity, 2, 2]
    let y = cpu.scratch([3, 3])
    cpu.softmax(ReductionGeometry("test", [3, 3], axis: 1), logarithm: false, cpu.view(x, [3, 3]), into: y)
    let got = cpu.floats(y)
    #expect(got[0...2] == [0.5, 0.5, 0] && got[6...8] == [0, 0.5, 0.5])
    #expect(got.map(\.isNaN) == (0..<9).map { (3...5).contains($0) })
  }
}
