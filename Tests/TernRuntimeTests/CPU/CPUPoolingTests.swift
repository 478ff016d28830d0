// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct CPUPoolingTests {
  static let geometries: [PoolingGeometry] = [
    PoolingGeometry("test", input: [2, 3, 8, 8], kernel: (2, 2), stride: (2, 2)),
    PoolingGeometry("test", input: [1, 2, 7, 9], kernel: (2, 2), stride: (2, 2)),
    PoolingGeometry("test", input: [1, 2, 31, 33], kernel: (3, 3), stride: (2, 2), padding: (1, 1)),
    PoolingGeometry(
      "test", input: [2, 1, 9, 40], kernel: (2, 3), stride: (1, 1), padding: (1, 0), countsPadding: false),
    PoolingGeometry(
      "test", input: [1, 1, 12, 11], kernel: (3, 2), stride: (3, 1), padding: (1, 1), dilation: (2, 3),
      countsPadding: false),
    PoolingGeometry("test", input: [1, 3, 6, 8], kernel: (3, 3), stride: (2, 3), padding: (1, 1), roundsUp: true),
    PoolingGeometry(
      "test", input: [1, 1, 6, 7], kernel: (3, 3), stride: (2, 3), padding: (0, 1), countsPadding: false, roundsUp: true
    ),
    PoolingGeometry("test", input: [1, 1, 1, 1], kernel: (1, 1), stride: (1, 1)),
    PoolingGeometry("test", input: [3, 2, 5, 5], kernel: (5, 5), stride: (5, 5)),
    PoolingGeometry("test", input: [2, 1, 10, 33], output: (7, 4)),
    PoolingGeometry("test", input: [1, 2, 3, 5], output: (4, 9)),
  ]

  /// The input positions of each window, in order, and how many positions its mean divides by.
  func windows(_ g: PoolingGeometry) -> [(taps: [Int], divisor: Int)] {
    var windows: [(taps: [Int], divisor: Int)] = []
    for plane in 0..<g.batch * g.channels {
      for oh in 0..<g.outputHeight {
        for ow in 0..<g.outputWidth {
          var taps: [Int] = []
          var padded = 0
          let top = g.isAdaptive ? oh * g.inputHeight / g.outputHeight : oh * g.strideHeight - g.padHeight
          let left = g.isAdaptive ? ow * g.inputWidth / g.outputWidth : ow * g.strideWidth - g.padWidth
          for kh in 0..<g.kernelHeight {
            for kw in 0..<g.kernelWidth {
              let h = top + kh * g.dilationHeight
              let w = left + kw * g.dilationWidth
              if g.isAdaptive {
                let isBelow = h * g.outputHeight >= (oh + 1) * g.inputHeight
                if isBelow || w * g.outputWidth >= (ow + 1) * g.inputWidth { continue }
              }
              if h < g.inputHeight + g.padHeight && w < g.inputWidth + g.padWidth { padded += 1 }
              if h < 0 || w < 0 || h >= g.inputHeight || w >= g.inputWidth { continue }
              taps.append((plane * g.inputHeight + h) * g.inputWidth + w)
            }
          }
          windows.append((taps, g.countsPadding ? padded : taps.count))
        }
      }
    }
    return windows
  }

  @Test(arguments: everyCPU) func maximaTheirPositionsAndGradients(_ cpu: CPUBackend) {
    var random = SplitMix(state: 11)
    for g in Self.geometries {
      let size = g.inputHeight * g.inputWidth
      for style in 0..<3 {
        // Ties, negative numbers only, and a few NaN and -infinity.
        var x = (0..<elementCount(g.inputShape)).map { _ in Float(Int.random(in: -6 ... -1, using: &random)) }
        if style == 1 { x = x.map { _ in -.infinity } }
        if style == 2 { for i in stride(from: 0, to: x.count, by: 7) { x[i] = i % 2 == 0 ? .nan : -.infinity } }
        let y = cpu.scratch(g.outputShape)
        let plain = cpu.scratch(g.outputShape)
        let indices = cpu.scratch(g.outputShape, .int32)
        let dx = cpu.scratch(g.inputShape)
        let dy = random.floats(elementCount(g.outputShape))
        cpu.maxPool(g, cpu.view(x, g.inputShape), into: y, indices: indices)
        cpu.maxPool(g, cpu.view(x, g.inputShape), into: plain, indices: nil)
        cpu.maxPoolGradient(g, cpu.view(dy, g.outputShape), indices: indices, into: dx)
        var want: [Double] = []
        var positions: [Int] = []
        var wantGradient = [Double](repeating: 0, count: x.count)
        for (index, window) in windows(g).enumerated() {
          let best =
            window.taps.first { x[$0].isNaN } ?? window.taps.first { tap in window.taps.allSatisfy { x[$0] <= x[tap] }
            }!
          want.append(Double(x[best]))
          positions.append(best % size)
          wantGradient[best] += Double(dy[index])
        }
        expectClose(cpu.floats(y), want, "\(g)")
        expectClose(cpu.floats(plain), want, "\(g)")
        #expect(cpu.integers(indices) == positions, "\(g) style \(style)")
        expectClose(cpu.floats(dx), wantGradient, "\(g)")
      }
    }
  }

  @Test(arguments: everyCPU) func meansAndTheirGradients(_ cpu: CPUBackend) {
    var random = SplitMix(state: 12)
    for g in Self.geometries {
      let x = random.floats(elementCount(g.inputShape))
      let dy = random.floats(elementCount(g.outputShape))
      let y = cpu.scratch(g.outputShape)
      let dx = cpu.scratch(g.inputShape)
      cpu.averagePool(g, cpu.view(x, g.inputShape), into: y)
      cpu.averagePoolGradient(g, cpu.view(dy, g.outputShape), into: dx)
      var want: [Double] = []
      var wantGradient = [Double](repeating: 0, count: x.count)
      for (index, window) in windows(g).enumerated() {
        want.append(window.taps.reduce(0) { $0 + Double(x[$1]) } / Double(window.divisor))
        for tap in window.taps { wantGradient[tap] += Double(dy[index]) / Double(window.divisor) }
      }
      expectClose(cpu.floats(y), want, "\(g)")
      expectClose(cpu.floats(dx), wantGradient, "\(g)")
    }
  }

  @Test(arguments: everyCPU) func stridedAndHalfInputs(_ cpu: CPUBackend) {
    var random = SplitMix(state: 13)
    let g = PoolingGeometry("test", input: [2, 3, 6, 10], kernel: (3, 3), stride: (1, 2), padding: (1, 1))
    for dtype in [DType.float32, .bfloat16] {
      let stored = cpu.scratch([2 * 3 * 6 * 20], dtype)
      cpu.convert(cpu.view(random.floats(2 * 3 * 6 * 20)), into: stored)
      for (strides, offset) in [([360, 120, 20, 1], 5), ([360, 120, 20, 2], 0), ([3, 1, 60, 6], 0)] {
        let x = StridedView(stored.storage, dtype, shape: g.inputShape, strides: strides, offset: offset)
        let values = cpu.floats(x)
        let y = cpu.scratch(g.outputShape, dtype)
        let mean = cpu.scratch(g.outputShape)
        cpu.maxPool(g, x, into: y, indices: nil)
        cpu.averagePool(g, x, into: mean)
        let all = windows(g)
        #expect(cpu.floats(y) == all.map { $0.taps.map { values[$0] }.max()! })
        expectClose(
          cpu.floats(mean),
          all.map { window in window.taps.reduce(0) { $0 + Double(values[$1]) } / Double(window.divisor) })
      }
    }
  }
}
