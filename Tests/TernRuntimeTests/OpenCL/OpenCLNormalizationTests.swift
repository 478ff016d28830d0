// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLNormalizationTests {
  /// With backends of their own, whose counters nobody else moves.
  @Test(arguments: [true, false]) func aBatchNormIsAtMostThreeLaunchesEachWay(_ asCPU: Bool) throws {
    let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(treatAsCPU: asCPU))
    for shape in [[4, 20, 9, 9], [64, 20], [2, 3, 130, 130]] {
      let plan = BatchNormalization("test", shape, epsilon: 1e-5, rectifies: true)
      func list() -> StridedView { backend.output([plan.channels]) }
      let (x, residual, weight, bias) = (backend.output(shape), backend.output(shape), list(), list())
      let results = BatchNormalization.Results(
        y: backend.output(shape), mean: list(), deviation: list(), running: (list(), list()))
      let gradients = BatchNormalization.Gradients(
        dx: backend.output(shape), dResidual: backend.output(shape), dWeight: list(), dBias: list())
      let start = backend.statistics
      backend.batchNormalization(
        plan, .init(x: x, weight: weight, bias: bias, residual: residual, running: (list(), list(), 0.1)),
        into: results)
      let middle = backend.statistics
      backend.batchNormalizationGradient(
        plan, .init(x: x, y: results.y, weight: weight, mean: results.mean, deviation: results.deviation), dy: residual,
        into: gradients)
      let end = backend.statistics
      #expect((middle - start).launches <= 3, "\(shape)")
      #expect((end - middle).launches <= 3, "\(shape)")
    }
  }
}
