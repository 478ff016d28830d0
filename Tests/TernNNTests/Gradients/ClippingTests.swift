// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct ClippingTests {
  private func gradients(_ arrays: [[Float]], on device: Device) -> Gradients {
    struct Cells: Module { let cells: [Parameter] }
    let tensors = arrays.map { Tensor($0, on: device) }
    return Gradients(parameters: Cells(cells: tensors.map { Parameter($0) }).parameters(), values: tensors)
  }

  private let arrays: [[Float]] = [[3, -4, 0.5], sample([33], scale: 2), [-7]]

  @Test(arguments: Device.all) func normsSpanAllGradients(_ device: Device) throws {
    let gradients = gradients(arrays, on: device)
    let all = doubles(arrays.flatMap { $0 })
    try expectClose(gradients.norm(), [sqrt(all.reduce(0) { $0 + $1 * $1 })])
    try expectClose(gradients.norm(.absolute), [all.reduce(0) { $0 + abs($1) }])
    try expectClose(gradients.norm(.maximum), [7])
  }

  @Test(arguments: Device.all, [GradientNorm.euclidean, .absolute, .maximum])
  func clippingByNormScalesAllAlike(_ device: Device, _ kind: GradientNorm) throws {
    let gradients = gradients(arrays, on: device)
    let norm = try gradients.norm(kind).scalar(as: Double.self)
    for limit in [0.5, 1000] {
      let factor = min(1, limit / (norm + 1e-6))
      for (clipped, array) in zip(gradients.clipped(byNorm: limit, kind).values, arrays) {
        try expectClose(clipped, array.map { Double($0) * factor })
      }
    }
  }

  @Test(arguments: Device.all) func clippingByValueLimitsElements(_ device: Device) throws {
    for (clipped, array) in zip(gradients(arrays, on: device).clipped(byValue: 1.5).values, arrays) {
      try expectClose(clipped, array.map { Double(min(max($0, -1.5), 1.5)) })
    }
  }

  @Test func gradientsAddAndScale() throws {
    let one = gradients([[1, 2], [3]], on: .cpu)
    let sum = (one + one.map { _, gradient in gradient * 10 }) * 0.5
    try expectClose(sum.values[0], [5.5, 11])
    try expectClose(sum.values[1], [16.5])
  }

  @Test func nonsenseTraps() async {
    await #expect(processExitsWith: .failure) {
      let model = Linear(1, 1)
      _ = valueAndGradients(of: model) { model(Tensor.zeros([1, 1])).sum() }.gradients.clipped(byNorm: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = Gradients(parameters: Linear(1, 2).parameters(), values: [Tensor.zeros([2, 1]), Tensor.zeros([1])])
    }
  }
}
