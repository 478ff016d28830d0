// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceBatchNormalizationTests {
  /// What a device is asked to do.
  struct Case: Sendable {
    var shape: [Int]
    var rectifies = false
    var hasResidual = false
    var hasWeights = true
    var dtype = DType.float32
    var layout = Layout.dense

    var label: String {
      "\(shape) \(dtype) \(layout), rectifies \(rectifies), residual \(hasResidual), weights \(hasWeights)"
    }
  }

  static let shapes = [
    [2, 1], [33, 1], [7, 3], [65, 33], [2, 3, 1], [1, 2, 31], [4, 3, 5], [3, 17, 16], [5, 2, 4, 7], [3, 1, 2, 5, 31],
    [2, 40, 9, 9], [9, 3, 331],
  ]

  static var cases: [Case] {
    var cases: [Case] = []
    for (index, shape) in shapes.enumerated() {
      cases.append(Case(shape: shape, rectifies: index % 2 == 0, hasResidual: index % 3 == 0))
      cases.append(
        Case(shape: shape, rectifies: true, hasResidual: index % 3 != 0, hasWeights: index % 4 != 0))
    }
    // Few long channels are cut into parts.
    cases.append(Case(shape: [3, 2, 11_000], rectifies: true, hasResidual: true))
    for shape in [[7, 3], [3, 17, 16], [5, 2, 4, 7]] {
      for layout in Layout.allCases {
        cases.append(Case(shape: shape, rectifies: true, hasResidual: true, layout: layout))
      }
      for dtype in [DType.float16, .bfloat16] {
        cases.append(Case(shape: shape, rectifies: true, hasResidual: true, dtype: dtype, layout: .holes))
        cases.append(Case(shape: shape, dtype: dtype))
      }
    }
    return cases
  }

  @Test(arguments: Subject.all) func followsItsDefinition(_ subject: Subject) throws {
    for test in Self.cases { try Self.check(test, on: subject.backend) }
  }

  static func check(_ test: Case, on backend: any Backend) throws {
    let (shape, dtype) = (test.shape, test.dtype)
    let plan = BatchNormalization("test", shape, epsilon: 1e-3, rectifies: test.rectifies)
    let reference = NormalizationReference(batch: plan)
    let channels = plan.channels
    let x = dtype.rounded(testNumbers(elementCount(shape), -2...3))
    let residual = test.hasResidual ? dtype.rounded(testNumbers(elementCount(shape), seed: 2)) : nil
    let weight = test.hasWeights ? DType.float32.rounded(testNumbers(channels, seed: 3, 0.5...1.5)) : nil
    let bias = test.hasWeights ? DType.float32.rounded(testNumbers(channels, seed: 4)) : nil
    let (oldMean, oldVariance) = (testNumbers(channels, seed: 5), testNumbers(channels, seed: 6, 0.5...2))
    let xView = backend.view(x, shape, dtype, test.layout)
    let weightView = weight.map { backend.view($0, [channels], .float32, .holes) }
    let results = BatchNormalization.Results(
      y: backend.output(shape, dtype), mean: backend.output([channels]), deviation: backend.output([channels]),
      running: (backend.output([channels]), backend.output([channels])))
    backend.batchNormalization(
      plan,
      .init(
        x: xView, weight: weightView, bias: bias.map { backend.view($0, [channels]) },
        residual: residual.map { backend.view($0, shape, dtype, test.layout) },
        running: (backend.view(oldMean, [channels]), backend.view(oldVariance, [channels], .float32, .flipped), 0.3)),
      into: results)
    let want = reference.forward(x, weight: weight, bias: bias, residual: residual)
    let (relative, absolute) = (1.01 * dtype.roundoff, 4e-6 + dtype.roundoff * 1e-2)
    let y = try backend.values(results.y)
    expectClose(y, want.y, relative: relative, absolute: absolute, test.label + " y")
    expectClose(try backend.values(results.mean), want.mean, absolute: 1e-6, test.label + " mean")
    expectClose(try backend.values(results.deviation), want.deviation, relative: 2e-6, test.label + " deviation")
    let count = Double(plan.channelCount)
    expectClose(
      try backend.values(results.running!.mean), zip(oldMean, want.mean).map { 0.7 * $0 + 0.3 * $1 }, absolute: 1e-6,
      test.label + " running mean")
    expectClose(
      try backend.values(results.running!.variance),
      zip(oldVariance, want.variance).map { 0.7 * $0 + 0.3 * $1 * count / (count - 1) }, relative: 2e-6,
      test.label + " running variance")

    let dy = dtype.rounded(testNumbers(elementCount(shape), seed: 7))
    for asksForInput in [true, false] {
      let splits = test.rectifies && test.hasResidual && asksForInput
      let gradients = BatchNormalization.Gradients(
        dx: asksForInput ? backend.output(shape, dtype) : nil, dResidual: splits ? backend.output(shape, dtype) : nil,
        dWeight: backend.output([channels]), dBias: backend.output([channels]))
      backend.batchNormalizationGradient(
        plan,
        .init(
          x: xView, y: test.rectifies ? backend.view(y, shape, dtype, test.layout) : nil, weight: weightView,
          mean: results.mean, deviation: results.deviation),
        dy: backend.view(dy, shape, dtype, test.layout), into: gradients)
      let passed = test.rectifies ? y.map { $0 > 0 } : nil
      let back = reference.backward(
        x, weight: weight, mean: want.mean, deviation: want.deviation, dy: dy, passed: passed)
      let size = 1e-6 * count.squareRoot()
      expectClose(
        try backend.values(gradients.dWeight), back.dWeight, relative: 1e-5, absolute: 4 * size, test.label + " dWeight"
      )
      expectClose(
        try backend.values(gradients.dBias), back.dBias, relative: 1e-5, absolute: 4 * size, test.label + " dBias")
      if let dx = gradients.dx {
        let scale = want.deviation.max()!
        expectClose(
          try backend.values(dx), back.dx, relative: relative, absolute: absolute * max(1, scale),
          test.label + " dx")
      }
      if let dResidual = gradients.dResidual {
        expectClose(try backend.values(dResidual), back.dResidual, test.label + " dResidual")
      }
    }
  }

  /// Squares of the numbers themselves would have lost all digits of the variance.
  @Test(arguments: Subject.all) func aMeanFarFromZeroCostsNoDigits(_ subject: Subject) throws {
    let backend = subject.backend
    for shape in [[700, 20], [2, 17, 33, 9], [1, 2, 40_000]] {
      let plan = BatchNormalization("test", shape, epsilon: 0, rectifies: false)
      // The first element of each channel is an outlier: no shift to take.
      var x = DType.float32.rounded(testNumbers(elementCount(shape), 9999...10_001))
      for place in stride(from: 0, to: plan.channels * plan.inner, by: plan.inner) { x[place] = 9990 }
      let want = NormalizationReference(batch: plan).forward(x, weight: nil, bias: nil)
      let results = BatchNormalization.Results(
        y: backend.output(shape), mean: backend.output([plan.channels]), deviation: backend.output([plan.channels]),
        running: nil)
      backend.batchNormalization(
        plan, .init(x: backend.view(x, shape), weight: nil, bias: nil, residual: nil, running: nil), into: results)
      expectClose(try backend.values(results.mean), want.mean, relative: 1.2e-7, "\(shape) mean")
      expectClose(try backend.values(results.deviation), want.deviation, relative: 1e-5, "\(shape) deviation")
      // The mean has one rounding of 1e4, half a unit in the last place of which is 5e-4.
      expectClose(try backend.values(results.y), want.y, absolute: 2e-3, "\(shape) y")
    }
  }

  @Test(arguments: Subject.all) func constantChannelsGiveTheirBias(_ subject: Subject) throws {
    let backend = subject.backend
    for shape in [[5, 3], [2, 3, 40], [3, 20, 7]] {
      let plan = BatchNormalization("test", shape, epsilon: 1e-5, rectifies: false)
      let bias = (0..<plan.channels).map { Double($0) - 1 }
      let results = BatchNormalization.Results(
        y: backend.output(shape), mean: backend.output([plan.channels]), deviation: backend.output([plan.channels]),
        running: nil)
      let x = backend.view([Double](repeating: 0.1, count: elementCount(shape)), shape)
      backend.batchNormalization(
        plan, .init(x: x, weight: nil, bias: backend.view(bias, [plan.channels]), residual: nil, running: nil),
        into: results)
      let want = (0..<elementCount(shape)).map { bias[$0 / plan.inner % plan.channels] }
      expectClose(try backend.values(results.y), want, absolute: 1e-5, "\(shape)")
    }
  }

  @Test(arguments: Subject.all) func notANumberStaysInItsChannel(_ subject: Subject) throws {
    let backend = subject.backend
    for shape in [[40, 3], [2, 3, 33]] {
      let plan = BatchNormalization("test", shape, epsilon: 1e-5, rectifies: true)
      var x = testNumbers(elementCount(shape))
      x[plan.inner] = .nan  // channel 1
      let results = BatchNormalization.Results(
        y: backend.output(shape), mean: backend.output([3]), deviation: backend.output([3]), running: nil)
      backend.batchNormalization(
        plan, .init(x: backend.view(x, shape), weight: nil, bias: nil, residual: nil, running: nil), into: results)
      let y = try backend.values(results.y)
      #expect(y.indices.allSatisfy { y[$0].isNaN == ($0 / plan.inner % 3 == 1) }, "\(shape)")
    }
  }
}
