// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct ModelCheckpointTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func values(_ model: some Module) throws -> [String: [Float]] {
    Dictionary(uniqueKeysWithValues: try model.stateTensors().map { ($0.name, try $0.tensor.scalars(as: Float.self)) })
  }

  @Test(arguments: Device.all) func aModelComesBackBitByBit(_ device: Device) throws {
    let path = folder.file("model")
    let model = withDevice(device) { NoisyNet(seed: 1) }
    model.norm.runningMean.value = sampleTensor([8], on: device)
    try model.save(to: path, metadata: ["kind": "noisy"])
    let other = withDevice(device) { NoisyNet(seed: 7) }
    try other.load(from: path)
    #expect(try values(other) == values(model))
    #expect(other.hidden.weight.value.device == device)
    #expect(try SafetensorsFile(path: path).metadata == ["kind": "noisy"])
    #expect(try values(model).keys.contains("norm.runningVariance"))
  }

  @Test func halfValuesAreWidened() throws {
    let path = folder.file("half")
    try writeSafetensors([("weight", Tensor([1.5, -2], shape: [1, 2], on: .cpu).cast(to: .float16))], to: path)
    let layer = withDevice(.cpu) { Linear(2, 1, bias: false) }
    try layer.load(from: path)
    #expect(layer.weight.value.dtype == .float32)
    try expectClose(layer.weight.value, [1.5, -2])
  }

  @Test func theFirstDifferenceIsNamedAndNothingChanges() throws {
    let path = folder.file("model")
    try Sequential(Linear(4, 3), Linear(3, 2)).save(to: path)
    let wrongs: [(any Module, [String])] = [
      (Sequential(Linear(4, 3), Linear(3, 5)), ["'1.weight'", "[2, 3]", "[5, 3]"]),
      (Sequential(Linear(4, 3), Linear(3, 2), Linear(2, 1)), ["no '2.weight'", "[1, 2]"]),
      (Sequential(Linear(4, 3), Linear(3, 2, bias: false)), ["'1.bias'", "[2]", "does not have"]),
    ]
    for (wrong, fragments) in wrongs {
      let before = try values(wrong)
      do {
        try wrong.load(from: path)
        Issue.record("no error")
      } catch let error as TernError {
        #expect(error.code == .checkpointMismatch)
        for fragment in fragments + [path] { #expect(error.description.contains(fragment), "\(error)") }
      }
      #expect(try values(wrong) == before, "a failed load changed the model")
    }
  }

  @Test func anIntegerTensorIsNoParameter() throws {
    let path = folder.file("integers")
    try writeSafetensors([("weight", Tensor([1, 2] as [Int], shape: [1, 2], on: .cpu))], to: path)
    expectError(.checkpointMismatch, "'weight'", "int64") { try Linear(2, 1, bias: false).load(from: path) }
  }
}
