// SPDX-License-Identifier: MIT
import TernRuntime
import Testing

/// The rounding error of each way to convolve, against sums in float64 and relative to the root mean square of these.
@Suite struct ConvolutionAccuracyTests {
  /// The largest error among some thousand results.
  private static let bounds: [ConvolutionAlgorithm: Double] = [
    .product: 4e-6, .shifted: 4e-6, .channels: 4e-6, .depthwise: 4e-6, .winograd2: 6e-6, .winograd4: 1.5e-5,
  ]

  private static let cases: [ConvolutionCase] = [
    ConvolutionCase("64 channels", [1, 64, 12, 12], [20, 64, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("200 channels", [2, 200, 5, 6], [24, 200, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("many positions", [4, 16, 24, 24], [16, 16, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("depthwise", [8, 24, 30, 30], [24, 1, 5, 5], padding: (2, 2, 2, 2), groups: 24),
    ConvolutionCase("1x1", [2, 160, 9, 9], [48, 160, 1, 1]),
  ]

  @Test(arguments: cases)
  func errorsStayWithinTheBoundOfTheAlgorithm(_ test: ConvolutionCase) {
    let g = test.geometry
    let backend = CPUBackend()
    let x = StridedView.random(g.inputShape, seed: 11)
    let w = StridedView.random(g.weightShape, seed: 12)
    let dy = StridedView.random(g.outputShape, seed: 13)
    let expected = ConvolutionReference(g, x: x, w: w, dy: dy)
    for (pass, reference, shape) in [
      (ConvolutionPass.forward, expected.y, g.outputShape), (.inputGradient, expected.dx, g.inputShape),
      (.weightGradient, expected.dw, g.weightShape),
    ] {
      let scale = (reference.reduce(0) { $0 + $1 * $1 } / Double(reference.count)).squareRoot()
      for algorithm in ConvolutionAlgorithm.candidates(for: pass, g) {
        let result = ViewLayout.dense.view(.float32, shape)
        switch pass {
        case .forward: backend.convolution(g, x, w, Epilogue(), into: result, by: algorithm)
        case .inputGradient: backend.convolutionInputGradient(g, dy, w, into: result, by: algorithm)
        case .weightGradient: backend.convolutionWeightGradient(g, x, dy, into: result, by: algorithm)
        }
        let error = zip(result.values, reference).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / scale
        #expect(error < Self.bounds[algorithm] ?? 0, "\(test.name): \(pass) by \(algorithm) off by \(error)")
      }
    }
  }
}
