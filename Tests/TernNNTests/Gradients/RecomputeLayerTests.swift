// SPDX-License-Identifier: MIT
import Tern
import Testing

@testable import TernNN

@Suite struct RecomputeLayerTests {
  private struct Net: Module {
    let first = Linear(6, 5)
    let norm = BatchNorm1D(5)
    let last = Linear(5, 2)
    let recomputes: Bool

    func callAsFunction(_ x: Tensor) -> Tensor {
      func block(_ x: Tensor) -> Tensor { relu(norm(first(x))) }
      return last(recomputes ? recompute(x) { block($0) } : block(x))
    }
  }

  @Test(arguments: Device.all) func parametersAndRunningStatisticsAreThoseOfAPlainStep(_ device: Device) throws {
    func step(recomputing: Bool) throws -> (gradients: [[Double]], mean: [Double]) {
      let net = withDevice(device) { Net(recomputes: recomputing) }
      for (name, parameter) in net.parameters() {
        let numbers = (0..<parameter.value.count).map { Float(($0 * 37 + name.count) % 19) / 10 - 0.9 }
        parameter.value = Tensor(numbers, shape: parameter.shape, on: device)
      }
      let x = Tensor((0..<48).map { Float(($0 * 29) % 23) / 11 - 1 }, shape: [8, 6], on: device)
      let (_, gradients) = valueAndGradients(of: net) { square(net(x)).sum() }
      return (
        try gradients.values.map { try $0.scalars(as: Double.self) },
        try net.norm.runningMean.value.scalars(as: Double.self)
      )
    }
    let (plain, again) = (try step(recomputing: false), try step(recomputing: true))
    #expect(again.gradients == plain.gradients)
    #expect(again.mean == plain.mean)
  }
}
