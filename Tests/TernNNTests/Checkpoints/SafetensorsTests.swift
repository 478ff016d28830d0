// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct SafetensorsTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  @Test(arguments: Device.all) func everyDTypeSurvives(_ device: Device) throws {
    let path = folder.file("all.safetensors")
    let values: [Float] = [0, 1, -2, 3.5, -0.1, 65504, 1e-8]
    var tensors = DType.allCases.map { dtype in
      (name: "\(dtype)", tensor: Tensor(values, on: device).cast(to: dtype).evaluated())
    }
    tensors.append(("scalar", Tensor(2.5, on: device)))
    tensors.append(("empty", Tensor.zeros([3, 0], on: device)))
    tensors.append(("view", sampleTensor([3, 5], on: device).transposed()[1..<4]))
    tensors.append(("größe \"x\"\n/y", Tensor([7], on: device)))
    try writeSafetensors(tensors, metadata: ["kind": "test", "line": "a\n\"b\""], to: path)
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == ["kind": "test", "line": "a\n\"b\""])
    #expect(Set(file.names) == Set(tensors.map(\.name)))
    for (name, tensor) in tensors {
      let read = try file.tensor(name, on: device)
      #expect(read.shape == tensor.shape && read.dtype == tensor.dtype && read.device == device, "\(name)")
      #expect(try read.littleEndianBytes() == tensor.littleEndianBytes(), "\(name)")
    }
  }

  @Test func theBytesAreThoseOfTheFormat() throws {
    let path = folder.file("small.safetensors")
    try writeSafetensors(
      [("b", Tensor([true, false], on: .cpu)), ("a", Tensor([1, -2] as [Float], shape: [2, 1], on: .cpu))], to: path)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let length = Int(bytes[0]) + Int(bytes[1]) << 8
    let header = String(decoding: bytes[8..<(8 + length)], as: UTF8.self)
    #expect(length % 8 == 0 && bytes[2..<8].allSatisfy { $0 == 0 })
    // Larger elements first, so that all are aligned.
    #expect(
      header.trimmingCharacters(in: .whitespaces)
        == #"{"a":{"data_offsets":[0,8],"dtype":"F32","shape":[2,1]},"#
        + #""b":{"data_offsets":[8,10],"dtype":"BOOL","shape":[2]}}"#
    )
    #expect(Array(bytes[(8 + length)...]) == [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 1, 0])
  }

  @Test func halfBitPatternsSurvive() throws {
    // Not a number with a payload, a subnormal, the largest number, minus infinity.
    let bits: [UInt16] = [0x7E01, 0x0001, 0x7BFF, 0xFC00]
    let bytes = bits.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    for dtype in [DType.float16, .bfloat16] {
      let tensor = Tensor(littleEndianBytes: bytes, dtype: dtype, shape: [4], on: .cpu)
      try writeSafetensors([("x", tensor)], to: folder.file("half"))
      #expect(try SafetensorsFile(path: folder.file("half")).tensor("x", on: .cpu).littleEndianBytes() == bytes)
    }
  }

  @Test func aMissingTensorOrFileIsAnError() throws {
    let path = folder.file("one.safetensors")
    try writeSafetensors([("x", Tensor.zeros([2], on: .cpu))], to: path)
    expectError(.checkpointMismatch, path, "'y'") { try SafetensorsFile(path: path).tensor("y") }
    expectError(.file, "nothing", "No such file") { try SafetensorsFile(path: folder.file("nothing")) }
    expectError(.file, "regular file") { try SafetensorsFile(path: folder.path) }
  }
}
