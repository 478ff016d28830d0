// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite("OpenCL convolution", .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLConvolutionTests {
  /// Forward, input and weight gradient against sums in float64.
  private func check(
    _ test: ConvolutionCase, _ choice: GemmChoice, _ dtype: DType = .float32, _ layout: Layout = .dense
  ) throws {
    let g = test.geometry
    func numbers(_ shape: [Int], _ seed: UInt64) -> [Double] {
      dtype.rounded(testNumbers(elementCount(shape), seed: seed, -1...1))
    }
    let (xs, ws, dys) = (numbers(g.inputShape, 1), numbers(g.weightShape, 2), numbers(g.outputShape, 3))
    let added = numbers([g.outputChannels], 4)
    var sums = [Double](repeating: 0, count: dys.count)
    var (inputSums, weightSums) = (xs.map { _ in 0.0 }, ws.map { _ in 0.0 })
    forEachProduct(g) { i, j, k in
      sums[k] += xs[i] * ws[j]
      inputSums[i] += dys[k] * ws[j]
      weightSums[j] += dys[k] * xs[i]
    }
    // Sums of products below 1 with mixed signs: their error grows as the root of their count.
    let terms = max(dys.count / g.outputChannels, ws.count / g.outputChannels)
    let absolute = 2e-5 * max(1, Double(terms).squareRoot() / 10)
    let plane = g.outputHeight * g.outputWidth
    let biased = sums.indices.map { sums[$0] + added[$0 / plane % g.outputChannels] }
    for backend in OpenCLSupport.devices.map(\.backend) {
      let x = backend.view(xs, g.inputShape, dtype, layout)
      let w = backend.view(ws, g.weightShape, dtype, layout)
      let dy = backend.view(dys, g.outputShape, dtype, layout)
      let bias = backend.view(added, [g.outputChannels], dtype, .holes)
      let (y, plainY) = (backend.output(g.outputShape, dtype), backend.output(g.outputShape, dtype))
      let (dx, dw) = (backend.output(g.inputShape, dtype), backend.output(g.weightShape, dtype))
      GemmChoice.$forced.withValue(choice) {
        backend.convolution(g, x, w, bias: bias, into: y)
        backend.convolution(g, x, w, bias: nil, into: plainY)
        backend.convolutionInputGradient(g, dy, w, into: dx)
        backend.convolutionWeightGradient(g, x, dy, into: dw)
      }
      for (name, result, expected) in [
        ("y", plainY, sums), ("y with bias", y, biased), ("dx", dx, inputSums), ("dw", dw, weightSums),
      ] {
        expectClose(
          try backend.values(result), expected, relative: 2 * dtype.roundoff, absolute: absolute,
          "\(test.name), \(choice) \(dtype) \(layout): \(name)")
      }
    }
  }

  @Test(arguments: ConvolutionCase.all, [GemmChoice.wide, .own])
  func agreesWithPlainSums(_ test: ConvolutionCase, _ choice: GemmChoice) throws { try check(test, choice) }

  @Test(arguments: [GemmChoice.wide, .own]) func stridedOperands(_ choice: GemmChoice) throws {
    for layout in Layout.allCases {
      try check(ConvolutionCase("3x3", [2, 3, 7, 6], [5, 3, 3, 3], padding: (1, 1, 1, 1)), choice, .float32, layout)
      try check(ConvolutionCase("1x1", [2, 3, 5, 6], [4, 3, 1, 1]), choice, .float32, layout)
    }
    try check(
      ConvolutionCase("depthwise", [2, 3, 7, 6], [6, 1, 3, 3], stride: (2, 1), groups: 3), choice, .float32, .holes)
  }

  @Test(arguments: [GemmChoice.wide, .own], [DType.float16, .bfloat16])
  func halfTypesAreRoundedOnce(_ choice: GemmChoice, _ dtype: DType) throws {
    let padding = (1, 1, 1, 1)
    try check(
      ConvolutionCase("3x3", [2, 3, 7, 6], [5, 3, 3, 3], stride: (2, 1), padding: padding), choice, dtype, .holes)
    try check(ConvolutionCase("1x1", [2, 3, 5, 6], [4, 3, 1, 1]), choice, dtype)
    try check(ConvolutionCase("depthwise", [2, 3, 7, 6], [6, 1, 3, 3], padding: padding, groups: 3), choice, dtype)
  }

  @Test(arguments: [GemmChoice.wide, .own]) func emptyBatch(_ choice: GemmChoice) throws {
    try check(ConvolutionCase("empty", [0, 2, 4, 4], [3, 2, 3, 3]), choice)
  }

  @Test func manyImagesAreAddedUpInSplits() throws {
    try check(ConvolutionCase("long batch", [70, 2, 6, 5], [3, 2, 3, 3], padding: (1, 1, 1, 1)), .wide)
  }

  @Test(arguments: [(GemmChoice.wide, 2, 4, 3), (.own, 2, 3, 2)])
  func launchesAreFew(_ choice: GemmChoice, forward: Int, weight: Int, input: Int) throws {
    let g = ConvolutionCase("", [64, 6, 14, 14], [16, 6, 5, 5]).geometry
    for index in OpenCLDevices.shared.found.indices {
      let backend = try OpenCLSupport.privateBackend(index: index)
      func dense(_ shape: [Int]) -> StridedView { backend.view(testNumbers(elementCount(shape)), shape) }
      let (x, w, bias, y) = (dense(g.inputShape), dense(g.weightShape), dense([16]), dense(g.outputShape))
      let (dx, dw) = (backend.output(g.inputShape), backend.output(g.weightShape))
      func launches(_ body: () -> Void) -> Int {
        let before = backend.statistics.launches
        GemmChoice.$forced.withValue(choice, operation: body)
        return backend.statistics.launches - before
      }
      #expect(launches { backend.convolution(g, x, w, bias: bias, into: y) } <= forward)
      #expect(launches { backend.convolutionWeightGradient(g, x, y, into: dw) } <= weight)
      #expect(launches { backend.convolutionInputGradient(g, y, w, into: dx) } <= input)
      try backend.synchronize()
    }
  }
}
