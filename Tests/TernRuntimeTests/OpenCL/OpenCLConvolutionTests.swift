// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite("OpenCL convolution", .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLConvolutionTests {
  /// Numbers of a case and its results in float64.
  struct Reference {
    let geometry: ConvolutionGeometry
    let dtype: DType
    let x, w, dy, bias: [Double]
    var y, dx, dw: [Double]

    init(_ geometry: ConvolutionGeometry, _ dtype: DType) {
      func numbers(_ shape: [Int], _ seed: UInt64) -> [Double] {
        dtype.rounded(testNumbers(elementCount(shape), seed: seed, -1...1))
      }
      self.geometry = geometry
      self.dtype = dtype
      (x, w) = (numbers(geometry.inputShape, 1), numbers(geometry.weightShape, 2))
      (dy, bias) = (numbers(geometry.outputShape, 3), numbers([geometry.outputChannels], 4))
      y = dy.map { _ in 0 }
      dx = x.map { _ in 0 }
      dw = w.map { _ in 0 }
      forEachProduct(geometry) { i, j, k in
        y[k] += x[i] * w[j]
        dx[i] += dy[k] * w[j]
        dw[j] += dy[k] * x[i]
      }
    }

    subscript(_ pass: ConvolutionPass) -> [Double] {
      switch pass {
      case .forward: y
      case .inputGradient: dx
      case .weightGradient: dw
      }
    }

    var biased: [Double] {
      let plane = geometry.outputHeight * geometry.outputWidth
      return y.indices.map { y[$0] + bias[$0 / plane % bias.count] }
    }

    /// Products that one element of a pass adds up.
    func terms(_ pass: ConvolutionPass) -> Int {
      let taps = geometry.kernelHeight * geometry.kernelWidth
      switch pass {
      case .forward: return geometry.inputChannelsPerGroup * taps
      case .inputGradient: return geometry.outputChannelsPerGroup * taps
      case .weightGradient: return geometry.batch * geometry.outputHeight * geometry.outputWidth
      }
    }
  }

  /// A case's numbers on a device.
  private struct Operands {
    let geometry: ConvolutionGeometry
    let dtype: DType
    let backend: OpenCLBackend
    let x, w, dy, bias: StridedView

    init(_ reference: Reference, _ layout: Layout = .dense, on backend: OpenCLBackend) {
      (geometry, dtype, self.backend) = (reference.geometry, reference.dtype, backend)
      x = backend.view(reference.x, geometry.inputShape, dtype, layout)
      w = backend.view(reference.w, geometry.weightShape, dtype, layout)
      dy = backend.view(reference.dy, geometry.outputShape, dtype, layout)
      bias = backend.view(reference.bias, [geometry.outputChannels], dtype, .holes)
    }

    /// All candidates; of the half types, which only change how elements are read and written, but a part: each is a
    /// program of its own, and compiling them is what the suite spends its time on.
    func candidates(_ pass: ConvolutionPass) -> [OpenCLConvolutionAlgorithm] {
      let all = OpenCLConvolutionAlgorithm.candidates(
        for: ConvolutionProblem(pass: pass, geometry: geometry, x: x, w: w, y: dy), on: backend)
      switch dtype {
      case .float16: return all.filter { $0 != .winograd2 }
      case .bfloat16: return [all[0]]
      default: return all
      }
    }

    /// The result of a pass by one algorithm; with a bias where `biased`.
    func run(_ pass: ConvolutionPass, _ algorithm: OpenCLConvolutionAlgorithm, biased: Bool = false) throws -> [Double]
    {
      let shape =
        switch pass {
        case .forward: geometry.outputShape
        case .inputGradient: geometry.inputShape
        case .weightGradient: geometry.weightShape
        }
      let result = backend.output(shape, dtype)
      OpenCLConvolutionAlgorithm.$forced.withValue(algorithm) {
        switch pass {
        case .forward: backend.convolution(geometry, x, w, bias: biased ? bias : nil, into: result)
        case .inputGradient: backend.convolutionInputGradient(geometry, dy, w, into: result)
        case .weightGradient: backend.convolutionWeightGradient(geometry, x, dy, into: result)
        }
      }
      return try backend.values(result)
    }
  }

  /// Every candidate of every pass against sums in float64.
  private func check(_ test: ConvolutionCase, _ dtype: DType = .float32, _ layout: Layout = .dense) throws {
    let reference = Reference(test.geometry, dtype)
    for subject in Subject.openCL {
      let operands = Operands(reference, layout, on: try #require(subject.backend as? OpenCLBackend))
      for pass in ConvolutionPass.allCases {
        for algorithm in operands.candidates(pass) {
          let label = "\(test.name) on \(subject.testDescription), \(algorithm) \(dtype) \(layout): \(pass)"
          func expect(_ got: [Double], _ expected: [Double], _ label: String) {
            expectClose(
              got, expected, relative: 2 * dtype.roundoff,
              absolute: algorithm.errorBound(terms: reference.terms(pass)), label)
          }
          expect(try operands.run(pass, algorithm), reference[pass], label)
          if pass == .forward {
            expect(try operands.run(pass, algorithm, biased: true), reference.biased, label + " with bias")
          }
        }
      }
    }
  }

  @Test(arguments: ConvolutionCase.all + ConvolutionCase.forAlgorithms)
  func everyCandidateAgreesWithPlainSums(_ test: ConvolutionCase) throws { try check(test) }

  @Test(arguments: Layout.allCases) func stridedOperands(_ layout: Layout) throws {
    let padding = (1, 1, 1, 1)
    try check(ConvolutionCase("3x3", [2, 3, 7, 6], [5, 3, 3, 3], padding: padding), .float32, layout)
    try check(ConvolutionCase("1x1", [2, 3, 5, 6], [4, 3, 1, 1]), .float32, layout)
    try check(ConvolutionCase("1x1 with stride", [2, 3, 5, 6], [4, 3, 1, 1], stride: (2, 1)), .float32, layout)
    try check(
      ConvolutionCase("depthwise", [2, 3, 7, 6], [6, 1, 3, 3], stride: (2, 1), groups: 3), .float32, layout)
  }

  @Test(arguments: [DType.float16, .bfloat16]) func halfTypesAreRoundedOnce(_ dtype: DType) throws {
    let padding = (1, 1, 1, 1)
    try check(
      ConvolutionCase("3x3", [2, 3, 7, 6], [5, 3, 3, 3], stride: (2, 1), padding: padding), dtype, .holes)
    try check(ConvolutionCase("3x3 at stride 1", [2, 3, 7, 6], [5, 3, 3, 3], padding: padding), dtype)
    try check(ConvolutionCase("1x1", [2, 3, 5, 6], [4, 3, 1, 1]), dtype)
    try check(ConvolutionCase("depthwise", [2, 3, 7, 6], [6, 1, 3, 3], padding: padding, groups: 3), dtype)
  }

  @Test func emptyBatch() throws { try check(ConvolutionCase("empty", [0, 2, 4, 4], [3, 2, 3, 3])) }

  @Test func manyImagesAreAddedUpInSplits() throws {
    try check(ConvolutionCase("long batch", [70, 2, 6, 5], [3, 2, 3, 3], padding: (1, 1, 1, 1)))
  }

  /// The root of the mean squared error of sums of many products, in units of what one rounding of the result loses:
  /// above 1 the algorithm loses more than the format does.
  @Test(arguments: [OpenCLConvolutionAlgorithm.wide, .unfolded, .winograd2, .winograd4])
  func roundingErrorStaysWithinItsBound(_ algorithm: OpenCLConvolutionAlgorithm) throws {
    let reference = Reference(
      ConvolutionCase("64 channels", [2, 64, 12, 12], [64, 64, 3, 3], padding: (1, 1, 1, 1)).geometry, .float32)
    for subject in Subject.openCL {
      let operands = Operands(reference, on: try #require(subject.backend as? OpenCLBackend))
      for pass in ConvolutionPass.allCases where operands.candidates(pass).contains(algorithm) {
        let expected = reference[pass]
        let errors = zip(try operands.run(pass, algorithm), expected).map { ($0 - $1) * ($0 - $1) }
        let mean = (errors.reduce(0, +) / expected.reduce(0) { $0 + $1 * $1 }).squareRoot()
        #expect(
          mean < algorithm.relativeErrorBound, "\(algorithm), \(pass) on \(subject.testDescription): \(mean)")
      }
    }
  }

  /// The fifth of F(2x2)'s weight gradient adds the two halves of its long product.
  @Test(arguments: [
    (OpenCLConvolutionAlgorithm.wide, 2, 4, 3), (.unfolded, 2, 3, 2), (.winograd4, 4, 4, 4), (.winograd2, 4, 5, 4),
  ])
  func launchesAreFew(_ algorithm: OpenCLConvolutionAlgorithm, forward: Int, weight: Int, input: Int) throws {
    let g = ConvolutionCase("", [32, 32, 8, 8], [64, 32, 3, 3], padding: (1, 1, 1, 1)).geometry
    for subject in Subject.openCL {
      let (index, treatAsCPU) = try #require(subject.opening)
      let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(treatAsCPU: treatAsCPU), index: index)
      func dense(_ shape: [Int]) -> StridedView { backend.view(testNumbers(elementCount(shape)), shape) }
      let (x, w, bias, y) = (dense(g.inputShape), dense(g.weightShape), dense([64]), dense(g.outputShape))
      let (dx, dw) = (backend.output(g.inputShape), backend.output(g.weightShape))
      func launches(_ body: () -> Void) -> Int {
        let before = backend.statistics.launches
        OpenCLConvolutionAlgorithm.$forced.withValue(algorithm, operation: body)
        return backend.statistics.launches - before
      }
      #expect(launches { backend.convolution(g, x, w, bias: bias, into: y) } <= forward)
      #expect(launches { backend.convolutionWeightGradient(g, x, y, into: dw) } <= weight)
      #expect(launches { backend.convolutionInputGradient(g, y, w, into: dx) } <= input)
      try backend.synchronize()
    }
  }
}

extension OpenCLConvolutionAlgorithm {
  /// The largest error of an element that adds up so many products of numbers below 1 with mixed signs: it grows as
  /// their root. The transforms of F(4×4, 3×3) lose about eight times as much as a plain sum, those of F(2×2, 3×3)
  /// twice.
  func errorBound(terms: Int) -> Double {
    2e-5 * max(1, Double(terms).squareRoot() / 10) * (self == .winograd4 ? 8 : self == .winograd2 ? 2 : 1)
  }

  /// The root of the mean squared error, relative to that of the result, of sums over 64 channels.
  var relativeErrorBound: Double {
    switch self {
    case .winograd4: 2e-6
    case .winograd2: 8e-7
    default: 6e-7
    }
  }
}

extension ConvolutionCase {
  /// What single algorithms find difficult.
  static let forAlgorithms: [ConvolutionCase] = [
    ConvolutionCase("pointwise with stride, groups", [2, 6, 7, 9], [8, 3, 1, 1], stride: (3, 2), groups: 2),
    ConvolutionCase("3x3 without padding", [2, 31, 9, 11], [33, 31, 3, 3]),
    ConvolutionCase("3x3 with much padding", [1, 3, 5, 4], [2, 3, 3, 3], padding: (3, 2, 4, 5)),
    ConvolutionCase("3x3 with groups", [3, 34, 6, 7], [66, 17, 3, 3], padding: (1, 1, 1, 1), groups: 2),
    ConvolutionCase("3x3, one wide row of tiles", [1, 16, 3, 70], [16, 16, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("3x3, one channel", [2, 1, 8, 8], [1, 1, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("3x3, channels beyond local memory", [1, 300, 5, 5], [20, 300, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase(
      "depthwise, stride and dilation", [2, 3, 33, 31], [3, 1, 3, 3], stride: (2, 3),
      padding: (0, 1, 2, 2), dilation: (2, 3), groups: 3),
    ConvolutionCase(
      "depthwise 5x5, three outputs each", [1, 2, 12, 35], [6, 1, 5, 5], padding: (2, 2, 2, 2), groups: 2),
    ConvolutionCase("depthwise 2x4", [2, 2, 9, 8], [2, 1, 2, 4], stride: (3, 1), padding: (1, 0, 3, 2), groups: 2),
    ConvolutionCase("depthwise in bands", [1, 2, 150, 130], [2, 1, 3, 3], padding: (1, 1, 1, 1), groups: 2),
    ConvolutionCase(
      "depthwise in bands with stride", [1, 1, 151, 130], [2, 1, 3, 3], stride: (2, 2), padding: (1, 1, 1, 1)),
  ]
}
