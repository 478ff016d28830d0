// SPDX-License-Identifier: MIT
import TernRuntime
import Testing

/// Calls `body` with the flat indices of `x`, `w`, `y` for every product of a convolution.
func forEachProduct(_ g: ConvolutionGeometry, _ body: (_ x: Int, _ w: Int, _ y: Int) -> Void) {
  let (inputs, outputs) = (g.inputChannelsPerGroup, g.outputChannelsPerGroup)
  for n in 0..<g.batch {
    for o in 0..<g.outputChannels {
      for oh in 0..<g.outputHeight {
        for ow in 0..<g.outputWidth {
          for c in 0..<inputs {
            for kh in 0..<g.kernelHeight {
              let h = oh * g.strideHeight + kh * g.dilationHeight - g.padTop
              if h < 0 || h >= g.inputHeight { continue }
              for kw in 0..<g.kernelWidth {
                let w = ow * g.strideWidth + kw * g.dilationWidth - g.padLeft
                if w < 0 || w >= g.inputWidth { continue }
                let channel = n * g.inputChannels + o / outputs * inputs + c
                body(
                  (channel * g.inputHeight + h) * g.inputWidth + w,
                  ((o * inputs + c) * g.kernelHeight + kh) * g.kernelWidth + kw,
                  ((n * g.outputChannels + o) * g.outputHeight + oh) * g.outputWidth + ow)
              }
            }
          }
        }
      }
    }
  }
}

/// One convolution to check; `name` says what is special about it.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
  let name: String
  let geometry: ConvolutionGeometry
  var testDescription: String { name }

  init(
    _ name: String, _ input: [Int], _ weight: [Int], stride: (Int, Int) = (1, 1),
    padding: (Int, Int, Int, Int) = (0, 0, 0, 0), dilation: (Int, Int) = (1, 1), groups: Int = 1
  ) {
    self.name = name
    geometry = ConvolutionGeometry(
      "conv2d", input: input, weight: weight, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }

  static let all: [ConvolutionCase] = [
    ConvolutionCase("single pixel", [1, 1, 1, 1], [1, 1, 1, 1]),
    ConvolutionCase("1x1", [2, 5, 7, 9], [17, 5, 1, 1]),
    ConvolutionCase("1x1 with groups", [3, 6, 5, 5], [4, 3, 1, 1], groups: 2),
    ConvolutionCase("1x1 with stride", [2, 3, 9, 8], [5, 3, 1, 1], stride: (2, 3)),
    ConvolutionCase("1x1 with padding", [1, 2, 4, 5], [3, 2, 1, 1], padding: (1, 0, 2, 1)),
    ConvolutionCase("first layer of LeNet", [3, 1, 28, 28], [6, 1, 5, 5], padding: (2, 2, 2, 2)),
    ConvolutionCase("second layer of LeNet", [2, 6, 14, 14], [16, 6, 5, 5]),
    ConvolutionCase("small image, many channels", [2, 17, 8, 8], [33, 17, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("one row of vectors", [1, 3, 4, 32], [15, 3, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("wide rows", [1, 2, 3, 67], [31, 2, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("strides differ", [2, 3, 13, 17], [7, 3, 3, 4], stride: (2, 3), padding: (1, 1, 1, 1)),
    ConvolutionCase("stride larger than the kernel", [1, 2, 11, 10], [3, 2, 2, 1], stride: (3, 4)),
    ConvolutionCase("uneven padding", [2, 2, 6, 7], [5, 2, 3, 2], padding: (0, 2, 3, 1)),
    ConvolutionCase("more padding than kernel", [1, 2, 3, 3], [2, 2, 2, 2], stride: (2, 1), padding: (4, 3, 5, 2)),
    ConvolutionCase("dilation", [1, 3, 15, 14], [4, 3, 3, 3], padding: (2, 2, 3, 3), dilation: (2, 3)),
    ConvolutionCase("dilation and stride", [2, 2, 16, 15], [3, 2, 3, 3], stride: (2, 3), dilation: (3, 2)),
    ConvolutionCase("groups", [2, 6, 9, 9], [8, 3, 3, 3], stride: (2, 2), padding: (1, 1, 1, 1), groups: 2),
    ConvolutionCase("depthwise", [2, 9, 10, 11], [9, 1, 3, 3], padding: (1, 1, 1, 1), groups: 9),
    ConvolutionCase("depthwise, two outputs each", [1, 4, 9, 9], [8, 1, 3, 3], stride: (2, 2), groups: 4),
    ConvolutionCase("depthwise, several strips", [2, 3, 13, 67], [3, 1, 3, 3], padding: (1, 1, 1, 1), groups: 3),
    ConvolutionCase(
      "depthwise 5x5, stride 2", [2, 5, 17, 35], [5, 1, 5, 5], stride: (2, 2), padding: (2, 2, 2, 2), groups: 5),
    ConvolutionCase("depthwise 7x7", [1, 3, 19, 40], [3, 1, 7, 7], padding: (3, 3, 3, 3), groups: 3),
    ConvolutionCase("depthwise 1x16", [2, 3, 4, 40], [3, 1, 1, 16], padding: (0, 0, 8, 7), groups: 3),
    ConvolutionCase("depthwise, narrow", [9, 2, 9, 4], [2, 1, 3, 3], padding: (1, 1, 1, 1), groups: 2),
    ConvolutionCase(
      "depthwise, dilation", [1, 4, 20, 37], [4, 1, 3, 3], padding: (2, 2, 3, 3), dilation: (2, 3), groups: 4),
    ConvolutionCase(
      "depthwise, strides and dilations differ", [2, 4, 21, 41], [8, 1, 3, 4], stride: (3, 2), padding: (2, 1, 3, 0),
      dilation: (2, 3), groups: 4),
    ConvolutionCase(
      "depthwise, one stride", [1, 3, 12, 50], [3, 1, 5, 3], stride: (1, 3), padding: (1, 2, 0, 1), groups: 3),
    ConvolutionCase(
      "depthwise, more padding than kernel", [1, 2, 4, 5], [2, 1, 3, 3], padding: (4, 3, 4, 5), groups: 2),
    ConvolutionCase("vectors of channels", [3, 5, 12, 11], [37, 5, 3, 3], stride: (2, 2), padding: (2, 1, 0, 1)),
    ConvolutionCase("large stem", [1, 3, 40, 36], [20, 3, 7, 7], stride: (2, 2), padding: (3, 3, 3, 3)),
    ConvolutionCase("tiles cut at the edges", [2, 20, 11, 9], [18, 20, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("one tile", [3, 3, 3, 4], [5, 3, 3, 3]),
    ConvolutionCase("3x3 with uneven padding", [2, 3, 6, 9], [4, 3, 3, 3], padding: (0, 2, 3, 1)),
    ConvolutionCase("3x3 with more padding than kernel", [1, 2, 3, 2], [3, 2, 3, 3], padding: (4, 5, 3, 4)),
    ConvolutionCase("3x3 with groups", [2, 34, 6, 7], [38, 17, 3, 3], padding: (1, 1, 1, 1), groups: 2),
    ConvolutionCase("more tiles in a row than in a block", [1, 17, 5, 150], [5, 17, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("blocks of tiles that end in rows", [2, 17, 33, 31], [8, 17, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("more filters than tiles", [1, 20, 4, 5], [70, 20, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("several bands of rows", [1, 40, 72, 66], [3, 40, 3, 3], padding: (1, 1, 1, 1)),
  ]
}

/// A convolution's results in float64.
struct ConvolutionReference {
  var y: [Double]
  var dx: [Double], dw: [Double]

  init(_ geometry: ConvolutionGeometry, x: StridedView, w: StridedView, dy: StridedView) {
    let (xs, ws, dys) = (x.values.map(Double.init), w.values.map(Double.init), dy.values.map(Double.init))
    y = [Double](repeating: 0, count: dys.count)
    dx = [Double](repeating: 0, count: xs.count)
    dw = [Double](repeating: 0, count: ws.count)
    forEachProduct(geometry) { i, j, k in
      y[k] += xs[i] * ws[j]
      dx[i] += dys[k] * ws[j]
      dw[j] += dys[k] * xs[i]
    }
  }

  /// `y` with a bias for each output channel.
  func y(bias: [Float], _ geometry: ConvolutionGeometry) -> [Double] {
    let plane = geometry.outputHeight * geometry.outputWidth
    return y.indices.map { y[$0] + Double(bias[$0 / plane % bias.count]) }
  }
}

extension ConvolutionAlgorithm {
  /// The largest difference between results and a reference. Winograd's sums mix the results of a tile, so their errors
  /// are in units of the largest result.
  func error(of results: [Float], _ reference: [Double]) -> Double {
    guard self == .winograd2 || self == .winograd4 else { return largestError(results, reference) }
    let scale = 1 + reference.reduce(0) { max($0, abs($1)) }
    return largestError(results.map { $0 / Float(scale) }, reference.map { $0 / scale })
  }
}

@Suite struct CPUConvolutionTests {
  let backend = CPUBackend()

  /// Forward, input and weight gradient by every algorithm that can run them against sums in float64.
  private func check(
    _ test: ConvolutionCase, _ dtype: DType = .float32, _ layout: ViewLayout = .dense, tolerance: Double = 2e-5
  ) {
    let g = test.geometry
    let x = StridedView.random(g.inputShape, layout, dtype: dtype, seed: 1)
    let w = StridedView.random(g.weightShape, layout, dtype: dtype, seed: 2)
    let dy = StridedView.random(g.outputShape, layout, dtype: dtype, seed: 3)
    let bias = StridedView.random([g.outputChannels], .sliced, dtype: dtype, seed: 4)
    let expected = ConvolutionReference(g, x: x, w: w, dy: dy)
    func compare(_ pass: ConvolutionPass, _ reference: [Double], _ run: (ConvolutionAlgorithm, StridedView) -> Void) {
      let shape = [.forward: g.outputShape, .inputGradient: g.inputShape][pass] ?? g.weightShape
      for algorithm in ConvolutionAlgorithm.candidates(for: pass, g) {
        let result = ViewLayout.dense.view(dtype, shape)
        run(algorithm, result)
        let error = algorithm.error(of: result.values, reference)
        #expect(error < tolerance, "\(test.name), \(dtype) \(layout): \(pass) by \(algorithm) off by \(error)")
      }
    }
    compare(.forward, expected.y) { backend.convolution(g, x, w, Epilogue(), into: $1, by: $0) }
    compare(.forward, expected.y(bias: bias.values, g)) {
      backend.convolution(g, x, w, Epilogue(bias: bias), into: $1, by: $0)
    }
    compare(.inputGradient, expected.dx) { backend.convolutionInputGradient(g, dy, w, into: $1, by: $0) }
    compare(.weightGradient, expected.dw) { backend.convolutionWeightGradient(g, x, dy, into: $1, by: $0) }
  }

  @Test(arguments: ConvolutionCase.all)
  func everyAlgorithmAgreesWithPlainSums(_ test: ConvolutionCase) { check(test) }

  @Test func stridedOperands() {
    for layout in ViewLayout.allCases {
      check(ConvolutionCase("3x3", [2, 3, 7, 6], [5, 3, 3, 3], padding: (1, 1, 1, 1)), .float32, layout)
      check(ConvolutionCase("1x1", [2, 3, 5, 6], [4, 3, 1, 1]), .float32, layout)
    }
  }

  @Test func halfTypesAreRoundedOnce() {
    let test = ConvolutionCase("3x3", [2, 3, 7, 6], [5, 3, 3, 3], stride: (2, 1), padding: (1, 1, 1, 1))
    check(test, .float16, .sliced, tolerance: 1e-3)
    check(test, .bfloat16, .dense, tolerance: 8e-3)
  }

  @Test func emptyBatch() {
    let g = ConvolutionCase("empty", [0, 2, 4, 4], [3, 2, 3, 3]).geometry
    let x = ViewLayout.dense.view(.float32, g.inputShape)
    let w = StridedView.random(g.weightShape)
    let y = ViewLayout.dense.view(.float32, g.outputShape)
    let dw = ViewLayout.dense.view(.float32, g.weightShape)
    backend.convolution(g, x, w, bias: nil, into: y)
    backend.convolutionInputGradient(g, y, w, into: x)
    backend.convolutionWeightGradient(g, x, y, into: dw)
    #expect(dw.values.allSatisfy { $0 == 0 })
  }
}
