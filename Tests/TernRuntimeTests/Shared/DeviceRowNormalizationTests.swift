// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceRowNormalizationTests {
  struct Case: Sendable {
    var shape: [Int]
    var plan: RowNormalization
    var dtype = DType.float32
    var layout = Layout.dense
    var hasWeights = true

    var label: String {
      "\(shape) groups \(plan.groups) spread \(plan.spread) centers \(plan.centers) \(dtype) \(layout), "
        + "weights \(hasWeights)"
    }

    static func layer(_ shape: [Int], trailing: Int = 1, centers: Bool = true) -> Case {
      Case(
        shape: shape,
        plan: RowNormalization("test", shape, trailing: trailing, epsilon: 1e-3, centers: centers))
    }

    static func group(_ shape: [Int], _ groups: Int) -> Case {
      Case(shape: shape, plan: RowNormalization("test", shape, groups: groups, epsilon: 1e-3))
    }

    func with(_ dtype: DType = .float32, _ layout: Layout = .dense, weights: Bool = true) -> Case {
      var copy = self
      (copy.dtype, copy.layout, copy.hasWeights) = (dtype, layout, weights)
      return copy
    }
  }

  static var cases: [Case] {
    let plain: [Case] = [
      .layer([1, 1]), .layer([3, 2]), .layer([33, 31]), .layer([65, 64]), .layer([2, 3, 33]),
      .layer([4, 5, 6], trailing: 2), .layer([4, 5, 6], trailing: 3), .layer([1, 9001]), .layer([130, 17]),
      .layer([3, 1025], centers: false), .layer([31, 8], centers: false),
      .layer([2, 5, 7], trailing: 2, centers: false),
      .group([2, 6, 33], 3), .group([3, 4, 5, 7], 1), .group([1, 4, 4, 5], 4), .group([5, 8], 2), .group([2, 6, 3], 2),
      .group([2, 2, 4, 5, 5], 2), .group([2, 16, 11, 14], 8), .group([1, 2, 5000], 1),
    ]
    let varied: [Case] = [
      .layer([7, 33]), .layer([3, 4, 6], trailing: 2), .group([2, 6, 3, 11], 3), .group([2, 4, 3], 2),
    ]
    return plain + plain.map { $0.with(weights: false) }
      + varied.flatMap { test in
        Layout.allCases.map { test.with(.float32, $0) }
          + [
            test.with(.float16), test.with(.bfloat16), test.with(.float16, .holes), test.with(.bfloat16, .transposed),
          ]
      }
  }

  @Test(arguments: Subject.all) func followsItsDefinition(_ subject: Subject) throws {
    for test in Self.cases { try Self.check(test, on: subject.backend) }
  }

  static func check(_ test: Case, on backend: any Backend) throws {
    let (shape, plan, dtype) = (test.shape, test.plan, test.dtype)
    let reference = NormalizationReference(rows: plan)
    let x = dtype.rounded(testNumbers(elementCount(shape), -2...3))
    let weightType = dtype == .bfloat16 ? DType.bfloat16 : .float32
    let weight = test.hasWeights ? weightType.rounded(testNumbers(plan.weightCount, seed: 3, 0.5...1.5)) : nil
    let bias = test.hasWeights && plan.centers ? testNumbers(plan.weightCount, seed: 4).map { Double(Float($0)) } : nil
    let xView = backend.view(x, shape, dtype, test.layout)
    let weightView = weight.map { backend.view($0, [plan.weightCount], weightType, .holes) }
    let results = RowNormalization.Results(
      y: backend.output(shape, dtype), mean: plan.centers ? backend.output([plan.rows]) : nil,
      deviation: backend.output([plan.rows]))
    backend.rowNormalization(
      plan, xView, weight: weightView, bias: bias.map { backend.view($0, [plan.weightCount]) }, into: results)
    let want = reference.forward(x, weight: weight, bias: bias)
    let (relative, absolute) = (1.01 * dtype.roundoff, 5e-6 + dtype.roundoff * 1e-2)
    expectClose(try backend.values(results.y), want.y, relative: relative, absolute: absolute, test.label + " y")
    if let mean = results.mean {
      expectClose(try backend.values(mean), want.mean, absolute: 1e-6, test.label + " mean")
    }
    expectClose(try backend.values(results.deviation), want.deviation, relative: 3e-6, test.label + " deviation")

    let dy = dtype.rounded(testNumbers(elementCount(shape), seed: 7))
    let back = reference.backward(
      x, weight: weight, mean: want.mean, deviation: want.deviation, dy: dy)
    let scale = max(1, want.deviation.max()!)
    for (asksForInput, asksForWeights) in [(true, true), (true, false), (false, true)] {
      let gradients = RowNormalization.Gradients(
        dx: asksForInput ? backend.output(shape, dtype) : nil,
        dWeight: asksForWeights ? backend.output([plan.weightCount]) : nil,
        dBias: asksForWeights && plan.centers ? backend.output([plan.weightCount]) : nil)
      backend.rowNormalizationGradient(
        plan, .init(x: xView, weight: weightView, mean: results.mean, deviation: results.deviation),
        dy: backend.view(dy, shape, dtype, test.layout), into: gradients)
      if let dx = gradients.dx {
        expectClose(
          try backend.values(dx), back.dx, relative: relative, absolute: 2 * absolute * scale, test.label + " dx")
      }
      if let dWeight = gradients.dWeight {
        expectClose(
          try backend.values(dWeight), back.dWeight, relative: 1e-5, absolute: 2e-5 * scale, test.label + " dWeight")
      }
      if let dBias = gradients.dBias {
        expectClose(try backend.values(dBias), back.dBias, relative: 1e-5, absolute: 2e-5, test.label + " dBias")
      }
    }
  }

  @Test(arguments: Subject.all) func aMeanFarFromZeroCostsNoDigits(_ subject: Subject) throws {
    let backend = subject.backend
    for shape in [[3, 33], [2, 10_000]] {
      let plan = RowNormalization("test", shape, trailing: 1, epsilon: 0, centers: true)
      var x = DType.float32.rounded(testNumbers(elementCount(shape), 9999...10_001))
      x[0] = 9990
      let want = NormalizationReference(rows: plan).forward(x, weight: nil, bias: nil)
      let results = RowNormalization.Results(
        y: backend.output(shape), mean: backend.output([plan.rows]), deviation: backend.output([plan.rows]))
      backend.rowNormalization(plan, backend.view(x, shape), weight: nil, bias: nil, into: results)
      expectClose(try backend.values(results.mean!), want.mean, relative: 1.2e-7, "\(shape) mean")
      expectClose(try backend.values(results.deviation), want.deviation, relative: 1e-5, "\(shape) deviation")
      expectClose(try backend.values(results.y), want.y, absolute: 2e-3, "\(shape) y")
    }
  }

  @Test(arguments: Subject.all) func noRowsGiveNoGradient(_ subject: Subject) throws {
    let backend = subject.backend
    let plan = RowNormalization("test", [0, 5], trailing: 1, epsilon: 1e-5, centers: true)
    let empty = backend.view([], [0, 5])
    let none = backend.view([], [0])
    let gradients = RowNormalization.Gradients(
      dx: backend.view([], [0, 5]), dWeight: backend.output([5]), dBias: backend.output([5]))
    backend.rowNormalizationGradient(
      plan, .init(x: empty, weight: nil, mean: none, deviation: none), dy: empty, into: gradients)
    #expect(try backend.values(gradients.dWeight!) == [0, 0, 0, 0, 0])
    #expect(try backend.values(gradients.dBias!) == [0, 0, 0, 0, 0])
  }
}
