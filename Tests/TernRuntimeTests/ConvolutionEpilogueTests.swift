// SPDX-License-Identifier: MIT
import CTernCPU
import Testing

@testable import TernRuntime

/// Biases and activations that convolutions apply before they store.
@Suite struct ConvolutionEpilogueTests {
  /// One case for each way through the loops: dot products, few and many rows, blocks of depth; output rows, padded
  /// rows that run on, packed pixels, phases of a stride; strips of planes; tiles cut at the edges, panels of filters.
  static let cases = [
    ConvolutionCase("1x1, few channels", [2, 5, 3, 3], [3, 5, 1, 1]),
    ConvolutionCase("1x1, many channels", [2, 9, 7, 9], [33, 9, 1, 1]),
    ConvolutionCase("1x1, blocks of depth", [1, 1100, 3, 5], [5, 1100, 1, 1]),
    ConvolutionCase("wide rows", [1, 2, 3, 67], [31, 2, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("second layer of LeNet", [2, 6, 14, 14], [16, 6, 5, 5]),
    ConvolutionCase("packed pixels, panels of filters", [1, 9, 8, 7], [65, 9, 3, 3], padding: (1, 1, 1, 1)),
    ConvolutionCase("strides differ", [2, 3, 13, 17], [7, 3, 3, 4], stride: (2, 3), padding: (1, 1, 1, 1)),
    ConvolutionCase("tiles cut at the edges", [2, 6, 11, 9], [34, 3, 3, 3], padding: (1, 1, 1, 1), groups: 2),
    ConvolutionCase("depthwise, strips", [2, 3, 13, 67], [6, 1, 3, 3], padding: (1, 1, 1, 1), groups: 3),
    ConvolutionCase("depthwise, narrow", [9, 2, 9, 4], [2, 1, 3, 3], padding: (1, 1, 1, 1), groups: 2),
    ConvolutionCase(
      "depthwise, stride and dilation", [1, 4, 20, 37], [4, 1, 3, 3], stride: (2, 3), dilation: (2, 3), groups: 4),
  ]

  @Test(arguments: cases) func onTheCPU(_ test: ConvolutionCase) {
    let g = test.geometry
    let (x, w) = (StridedView.random(g.inputShape, seed: 1), StridedView.random(g.weightShape, seed: 2))
    let bias = StridedView.random([g.outputChannels], .sliced, seed: 4)
    let plain = ConvolutionReference(g, x: x, w: w, dy: ViewLayout.dense.view(.float32, g.outputShape))
    let sums = [false: plain.y, true: plain.y(bias: bias.values, g)]
    for isa in [TERN_ISA_BASELINE, TERN_ISA_AVX2, TERN_ISA_AVX512] where tern_isa_available(isa) {
      let backend = CPUBackend(threads: ThreadPool(threadCount: 2), isa: isa)
      for algorithm in ConvolutionAlgorithm.candidates(for: .forward, g) {
        func run(_ activation: Activation, biased: Bool) -> [Float] {
          let y = ViewLayout.dense.view(.float32, g.outputShape)
          let epilogue = Epilogue(bias: biased ? bias : nil, activation: activation)
          backend.convolution(g, x, w, epilogue, into: y, by: algorithm)
          return y.values
        }
        // The instruction sets share the code around the activations, and each activation its steps.
        for activation in isa == tern_isa_chosen() ? Activation.allCases : [.relu, .tanh] {
          for (biased, sums) in sums {
            // Winograd's errors are in units of the largest sum; no activation has a slope above 1.2.
            let scale = 1 + sums.reduce(0) { max($0, abs($1)) }
            let differences = zip(run(activation, biased: biased), sums).map {
              abs(Double($0) - activation.reference($1))
            }
            let error = differences.reduce(0) { $1.isNaN ? .infinity : max($0, $1) } / scale
            let label = "\(String(cString: tern_isa_name(isa))), \(algorithm), \(activation), bias \(biased)"
            #expect(error < 1e-5, "\(label) off by \(error)")
          }
        }
        #expect(run(.relu, biased: true) == run(.none, biased: true).map { max($0, 0) }, "\(algorithm)")
      }
    }
  }

  /// `max(x, 0)` in vectors as in the function of single elements: comparisons would drop NaN or keep the sign.
  @Test func rectifiedNaNStaysAndZerosArePositive() {
    for isa in [TERN_ISA_BASELINE, TERN_ISA_AVX2, TERN_ISA_AVX512] where tern_isa_available(isa) {
      let backend = CPUBackend(threads: ThreadPool(threadCount: 1), isa: isa)
      for test in [
        ConvolutionCase("1x1", [1, 1, 3, 11], [2, 1, 1, 1]), ConvolutionCase("3x3", [1, 1, 5, 13], [2, 1, 3, 3]),
        ConvolutionCase("depthwise", [1, 2, 5, 13], [2, 1, 3, 3], groups: 2),
      ] {
        let g = test.geometry
        let x = backend.view([Double](repeating: 1, count: elementCount(g.inputShape)), g.inputShape)
        let w = backend.view([Double](repeating: -0.0, count: elementCount(g.weightShape)), g.weightShape)
        let bias = backend.view([-0.0, .nan], [2])
        for algorithm in ConvolutionAlgorithm.candidates(for: .forward, g) {
          let y = ViewLayout.dense.view(.float32, g.outputShape)
          backend.convolution(g, x, w, Epilogue(bias: bias, activation: .relu), into: y, by: algorithm)
          let plane = y.count / 2
          #expect(y.values.prefix(plane).allSatisfy { $0.bitPattern == 0 }, "\(test.name) by \(algorithm)")
          #expect(y.values.suffix(plane).allSatisfy { $0.isNaN }, "\(test.name) by \(algorithm)")
        }
      }
    }
  }

  @Test func halfTypesAreRoundedOnce() throws {
    let g = ConvolutionCase("3x3", [2, 3, 7, 6], [5, 3, 3, 3], padding: (1, 1, 1, 1)).geometry
    let reference = OpenCLConvolutionTests.Reference(g, .float16)
    for subject in Subject.all {
      let backend = subject.backend
      let x = backend.view(reference.x, g.inputShape, .float16, .holes)
      let w = backend.view(reference.w, g.weightShape, .float16)
      let bias = backend.view(reference.bias, [5], .float16)
      let y = backend.output(g.outputShape, .float16)
      OpenCLConvolutionAlgorithm.$forced.withValue((backend as? OpenCLBackend)?.isCPUDevice == true ? .wide : .unfolded)
      {
        backend.convolution(g, x, w, Epilogue(bias: bias, activation: .relu), into: y)
      }
      expectClose(
        try backend.values(y), reference.biased.map { max($0, 0) }, relative: DType.float16.roundoff, absolute: 1e-5,
        subject.testDescription)
    }
  }

  /// What OpenCL's algorithms run with: those that take the activation at run time all of them, of the others, which
  /// compile a program for each, so many that every store has had one.
  private static func activations(_ algorithm: OpenCLConvolutionAlgorithm, asCPU: Bool) -> [Activation] {
    switch algorithm {
    case .wide, .product, .unfolded: asCPU ? Activation.allCases : [.relu]
    case .implicit, .direct: asCPU ? [.relu] : [.relu, .gelu]
    case .depthwise: asCPU ? [.relu, .gelu] : [.relu]
    case .winograd4: [.relu]
    case .winograd2: [.gelu]
    }
  }

  @Test(
    "on OpenCL", .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped),
    arguments: [
      ConvolutionCase("1x1", [2, 5, 7, 9], [17, 5, 1, 1]),
      ConvolutionCase("3x3", [2, 17, 9, 11], [33, 17, 3, 3], padding: (1, 1, 1, 1)),
      ConvolutionCase("3x3 with stride and groups", [2, 6, 9, 8], [4, 3, 3, 3], stride: (2, 1), groups: 2),
      ConvolutionCase("depthwise", [2, 3, 13, 37], [6, 1, 3, 3], padding: (1, 1, 1, 1), groups: 3),
    ])
  func onOpenCL(_ test: ConvolutionCase) throws {
    let g = test.geometry
    let reference = OpenCLConvolutionTests.Reference(g, .float32)
    for subject in Subject.openCL {
      let backend = try #require(subject.backend as? OpenCLBackend)
      let x = backend.view(reference.x, g.inputShape, .float32, .offset)
      let w = backend.view(reference.w, g.weightShape, .float32, .offset)
      let bias = backend.view(reference.bias, [g.outputChannels], .float32, .holes)
      let problem = ConvolutionProblem(pass: .forward, geometry: g, x: x, w: w, y: backend.output(g.outputShape))
      for algorithm in OpenCLConvolutionAlgorithm.candidates(for: problem, on: backend) {
        func run(_ activation: Activation, biased: Bool) throws -> [Double] {
          let y = backend.output(g.outputShape)
          OpenCLConvolutionAlgorithm.$forced.withValue(algorithm) {
            backend.convolution(g, x, w, Epilogue(bias: biased ? bias : nil, activation: activation), into: y)
          }
          return try backend.values(y)
        }
        for activation in Self.activations(algorithm, asCPU: backend.isCPUDevice) {
          for biased in [false, true] {
            let label = "\(test.name) on \(subject.testDescription), \(algorithm), \(activation), bias \(biased)"
            let got = try run(activation, biased: biased)
            let sums = biased ? reference.biased : reference.y
            expectClose(
              got, sums.map(activation.reference), relative: 2 * DType.float32.roundoff,
              absolute: 1.2 * algorithm.errorBound(terms: reference.terms(.forward)), label)
            if activation == .relu {
              let separate = try run(.none, biased: biased).map { max($0, 0) }
              #expect(got == separate, "\(label)")
            }
          }
        }
      }
    }
  }
}
