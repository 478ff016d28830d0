// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

/// First and second derivatives; `DeviceBatchNormalizationTests` and `DeviceRowNormalizationTests` compare values.
@Suite struct NormalizationTests {
  @Test(arguments: Device.all) func batchNormHasGradients(_ device: Device) throws {
    for shape in [[6, 3], [3, 2, 5], [2, 3, 2, 4], [2, 2, 3, 1, 2]] {
      let (x, weight, bias) = batchNormInputs(shape, on: device)
      let residual = sampleTensor(shape, phase: 3, on: device)
      try expectGradients([x, weight, bias], "\(shape)") { batchNorm($0[0], weight: $0[1], bias: $0[2]) }
      try expectGradients([x], "\(shape) without weights") { batchNorm($0[0], epsilon: 0.1) }
      try expectGradients([x, residual, bias], "\(shape) residual") {
        batchNorm($0[0], bias: $0[2], adding: $0[1])
      }
      // The statistics are fixed: a pointwise function.
      let statistics = RunningStatistics(mean: bias * 0.5, variance: square(weight))
      try expectGradients([x, weight, bias, residual], "\(shape) statistics given") {
        batchNorm(
          $0[0], weight: $0[1], bias: $0[2], adding: $0[3], using: statistics)
      }
    }
  }

  /// The rectifier has a kink, where differences are no derivatives: against the composed form instead.
  @Test(arguments: Device.all) func theFusedRectifierAgreesWithTheComposedOne(_ device: Device) throws {
    for shape in [[33, 3], [3, 20, 31], [2, 3, 5, 7]] {
      let (x, weight, bias) = batchNormInputs(shape, on: device)
      let residual = sampleTensor(shape, phase: 3, on: device)
      let factor = sampleTensor(shape, phase: 5, on: device)
      let fused = valueAndGradients(at: [x, weight, bias, residual]) {
        (batchNorm($0[0], weight: $0[1], bias: $0[2], adding: $0[3], activation: .relu) * factor).sum()
      }
      let composed = valueAndGradients(at: [x, weight, bias, residual]) {
        (relu(batchNorm($0[0], weight: $0[1], bias: $0[2]) + $0[3]) * factor).sum()
      }
      try expectClose(fused.value, try composed.value.scalars(as: Double.self), absolute: 1e-4)
      for (one, other) in zip(fused.gradients, composed.gradients) {
        try expectClose(one, try other.scalars(as: Double.self), absolute: 1e-5, "\(shape)")
      }
    }
  }

  @Test(arguments: Device.all) func rowNormsHaveGradients(_ device: Device) throws {
    let x = sampleTensor([2, 4, 3], on: device)
    let (weight, bias) = (sampleTensor([4], shift: 2, on: device), sampleTensor([4], phase: 1, on: device))
    let (wide, shift) = (sampleTensor([4, 3], shift: 2, on: device), sampleTensor([4, 3], phase: 1, on: device))
    try expectGradients([x, wide, shift]) { layerNorm($0[0], trailingAxes: 2, weight: $0[1], bias: $0[2]) }
    try expectGradients([x, shift]) { layerNorm($0[0], trailingAxes: 2, bias: $0[1], epsilon: 0.1) }
    try expectGradients([x, wide]) { rmsNorm($0[0], trailingAxes: 2, weight: $0[1]) }
    try expectGradients([x]) { rmsNorm($0[0], epsilon: 0.1) }
    try expectGradients([x, weight, bias]) { groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2]) }
    try expectGradients([x, weight, bias]) { instanceNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 0.01) }
    try expectGradients([x.transposed()]) { layerNorm($0[0]) }
  }

  @Test(arguments: Device.all) func normsHaveSecondDerivatives(_ device: Device) throws {
    let x = sampleTensor([3, 2, 4], on: device)
    let (weight, bias) = (sampleTensor([2], shift: 2, on: device), sampleTensor([2], phase: 1, on: device))
    func twice(_ inputs: [Tensor], _ f: ([Tensor]) -> Tensor) -> Tensor {
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) { pow(f($0), 3).sum() * 0.1 }
      return gradients.reduce(Tensor(0, on: device)) { $0 + square($1).sum() * 0.1 }
    }
    try expectGradients([x, weight, bias], tolerance: 1e-2, "batch norm") { inputs in
      twice(inputs) { batchNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 0.1) }
    }
    try expectGradients([x, weight, bias], tolerance: 1e-2, "group norm") { inputs in
      twice(inputs) { groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2], epsilon: 0.1) }
    }
    try expectGradients([x], tolerance: 1e-2, "RMS norm") { inputs in twice(inputs) { rmsNorm($0[0], epsilon: 0.1) } }
    // The rectifier, away from its kink.
    try expectGradients([x, weight, bias + 9], tolerance: 1e-2, "rectified") { inputs in
      twice(inputs) { batchNorm($0[0], weight: $0[1], bias: $0[2], activation: .relu, epsilon: 0.1) * 0.1 }
    }
  }

  @Test(arguments: Device.all) func halfTypesKeepWideWeights(_ device: Device) throws {
    for dtype in [DType.float16, .bfloat16] {
      let x = sampleTensor([4, 6], on: device).cast(to: dtype)
      let weight = sampleTensor([6], shift: 2, on: device)
      let exact = layerNorm(x.cast(to: .float32), weight: weight)
      for w in [weight, weight.cast(to: dtype)] {
        let (value, gradients) = valueAndGradients(at: [x, w]) {
          (layerNorm($0[0], weight: $0[1]).cast(to: .float32) * exact).sum()
        }
        #expect(gradients.map(\.dtype) == [dtype, w.dtype])
        let expected = try square(exact).sum().scalar(as: Double.self)
        try expectClose(value, [expected], relative: dtype == .float16 ? 2e-3 : 2e-2)
      }
      var running = RunningStatistics(mean: Tensor.zeros([6], on: device), variance: Tensor.ones([6], on: device))
      #expect(batchNorm(x, weight: weight, updating: &running).dtype == dtype)
      #expect(batchNorm(x, weight: weight, using: running).dtype == dtype && running.mean.dtype == .float32)
    }
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) { _ = batchNorm(Tensor.zeros([3], on: .cpu)) }
    await #expect(processExitsWith: .failure) { _ = batchNorm(Tensor.zeros([1, 3], on: .cpu)) }
    await #expect(processExitsWith: .failure) {
      _ = batchNorm(Tensor.zeros([4, 3], on: .cpu), weight: Tensor.zeros([4], on: .cpu))
    }
    await #expect(processExitsWith: .failure) {
      _ = batchNorm(Tensor.zeros([4, 3], on: .cpu), adding: Tensor.zeros([3], on: .cpu))
    }
    await #expect(processExitsWith: .failure) { _ = batchNorm(Tensor.zeros([4, 3], dtype: .int32, on: .cpu)) }
    await #expect(processExitsWith: .failure) { _ = layerNorm(Tensor.zeros([4, 3], on: .cpu), trailingAxes: 3) }
    await #expect(processExitsWith: .failure) {
      _ = layerNorm(Tensor.zeros([4, 3], on: .cpu), bias: Tensor.zeros([4, 3], on: .cpu))
    }
    await #expect(processExitsWith: .failure) { _ = groupNorm(Tensor.zeros([4, 3], on: .cpu), groups: 2) }
    await #expect(processExitsWith: .failure) { _ = rmsNorm(Tensor.zeros([4, 3], on: .cpu), epsilon: -1) }
  }

  private func batchNormInputs(_ shape: [Int], on device: Device) -> (x: Tensor, weight: Tensor, bias: Tensor) {
    let list = [shape[1]]
    return (
      sampleTensor(shape, scale: 1.5, shift: 0.5, on: device), sampleTensor(list, shift: 2, on: device),
      sampleTensor(list, phase: 1, on: device)
    )
  }
}
