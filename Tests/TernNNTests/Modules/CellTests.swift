// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct CellTests {
  @Test func copiesOfALayerShareTheirCells() throws {
    let layer = Linear(2, 1, bias: false)
    let copy = layer
    copy.weight.value = Tensor([3, 4] as [Float], shape: [1, 2], on: layer.weight.value.device)
    try expectClose(layer.weight.value, [3, 4])
  }

  @Test(arguments: Device.all) func moveTakesParametersAndBuffersAlong(_ device: Device) throws {
    let model = withDevice(.cpu) { NoisyNet() }
    let before = try model.stateTensors().map { try $0.tensor.scalars(as: Double.self) }
    try model.move(to: device)
    for ((name, tensor), values) in zip(model.stateTensors(), before) {
      #expect(tensor.device == device, "\(name)")
      try expectClose(tensor, values, relative: 0, absolute: 0, name)
    }
  }

  @Test func aWrongShapeTraps() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let layer = Linear(2, 3)
      layer.weight.value = Tensor.zeros([2, 3])
    }
    let message = text(try #require(result).standardErrorContent)
    #expect(message.contains("[3, 2]") && message.contains("[2, 3]") && message.contains("weight"), "\(message)")
  }

  @Test func anIntegerParameterTraps() async {
    await #expect(processExitsWith: .failure) { _ = Parameter(Tensor([1, 2], on: .cpu).cast(to: .int32)) }
  }
}
