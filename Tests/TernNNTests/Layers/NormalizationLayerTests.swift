// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

/// That layers hand their settings on to the operations, which have tests of their own; see also `BatchNormTests`.
@Suite struct NormalizationLayerTests {
  private func expectEqual(_ a: Tensor, _ b: Tensor, _ what: String = "") throws {
    #expect(a.shape == b.shape, "\(what)")
    #expect(try a.scalars(as: Float.self) == b.scalars(as: Float.self), "\(what)")
  }

  @Test(arguments: Device.all) func layersCallTheirFunctions(_ device: Device) throws {
    try withDevice(device) {
      let x = sampleTensor([2, 6, 5], on: device)
      let (weight, bias) = (sampleTensor([6, 5], shift: 2, on: device), sampleTensor([6, 5], phase: 1, on: device))
      let (scale, shift) = (sampleTensor([6], shift: 2, on: device), sampleTensor([6], phase: 1, on: device))
      let layer = LayerNorm(6, 5, epsilon: 0.1)
      layer.weight!.value = weight
      layer.bias!.value = bias
      try expectEqual(layer(x), layerNorm(x, trailingAxes: 2, weight: weight, bias: bias, epsilon: 0.1), "layer")
      try expectEqual(LayerNorm(5, affine: false)(x), layerNorm(x), "layer without weights")
      let rms = RMSNorm(6, 5, epsilon: 0.1)
      rms.weight!.value = weight
      try expectEqual(rms(x), rmsNorm(x, trailingAxes: 2, weight: weight, epsilon: 0.1), "RMS")
      let group = GroupNorm(6, groups: 3, epsilon: 0.1)
      group.weight!.value = scale
      group.bias!.value = shift
      try expectEqual(group(x), groupNorm(x, groups: 3, weight: scale, bias: shift, epsilon: 0.1), "group")
      let instance = InstanceNorm(6, epsilon: 0.1, affine: true)
      instance.weight!.value = scale
      instance.bias!.value = shift
      try expectEqual(instance(x), instanceNorm(x, weight: scale, bias: shift, epsilon: 0.1), "instance")
    }
  }

  @Test func parametersAreThoseOfTheSettings() {
    #expect(LayerNorm(4).parameters().map(\.name) == ["weight", "bias"])
    #expect(LayerNorm(4, bias: false).parameters().map(\.name) == ["weight"])
    #expect(LayerNorm(4, affine: false).parameters().isEmpty)
    #expect(RMSNorm(3, 4).parameters().map { $0.parameter.shape } == [[3, 4]])
    #expect(GroupNorm(6, groups: 2).parameterCount == 12)
    #expect(InstanceNorm(6).parameters().isEmpty)
    #expect(BatchNorm3D(6).parameterCount == 12)
  }

  /// A block's tail in one call and in three.
  @Test(arguments: Device.all) func batchNormTakesTheSumAndTheRectifier(_ device: Device) throws {
    let (x, shortcut) = (sampleTensor([3, 4, 5, 5], on: device), sampleTensor([3, 4, 5, 5], phase: 1, on: device))
    for mode in [Mode.training, .inference] {
      let layers = (0..<2).map { _ in withDevice(device) { BatchNorm2D(4) } }
      let (fused, composed) = withMode(mode) {
        (layers[0](x, adding: shortcut, activation: .relu), relu(layers[1](x) + shortcut))
      }
      try expectClose(fused, try composed.scalars(as: Double.self), absolute: 1e-6)
      try expectEqual(layers[0].runningMean.value, layers[1].runningMean.value)
      try expectEqual(layers[0].runningVariance.value, layers[1].runningVariance.value)
    }
  }

  @Test func volumesAreNormalized() throws {
    let layer = withDevice(.cpu) { BatchNorm3D(2) }
    let x = sampleTensor([3, 2, 2, 3, 4])
    let y = withMode(.training) { layer(x) }
    try expectClose(y.mean(along: 0, 2, 3, 4), [0, 0], absolute: 1e-6)
    try expectClose(y.variance(along: 0, 2, 3, 4), [1, 1], relative: 1e-4)
  }

  @Test func wrongSettingsAndInputsTrap() async {
    await #expect(processExitsWith: .failure) { _ = LayerNorm(0) }
    await #expect(processExitsWith: .failure) { _ = LayerNorm(shape: []) }
    await #expect(processExitsWith: .failure) { _ = GroupNorm(6, groups: 4) }
    await #expect(processExitsWith: .failure) { _ = LayerNorm(5)(Tensor.zeros([5, 4])) }
    await #expect(processExitsWith: .failure) { _ = InstanceNorm(5)(Tensor.zeros([5, 4])) }
    await #expect(processExitsWith: .failure) { _ = BatchNorm3D(3)(Tensor.zeros([2, 3, 4, 4])) }
  }
}
