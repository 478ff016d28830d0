// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct NumPyTests {
  private func withFile<R>(_ body: (String) throws -> R) throws -> R {
    let folder = try TemporaryDirectory()
    return try withExtendedLifetime(folder) { try body(folder.file("x.npy")) }
  }

  /// A file as NumPy writes it.
  private func file(_ header: String, _ body: [UInt8], version: UInt8 = 1) -> Data {
    let length = header.utf8.count
    let size =
      version == 1 ? [UInt8(length & 255), UInt8(length >> 8)] : [UInt8(length & 255), UInt8(length >> 8), 0, 0]
    return Data([0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + body)
  }

  @Test(arguments: Device.all) func roundTrips(_ device: Device) throws {
    let x = sampleTensor([3, 5], on: device)
    let tensors = [
      x, x.transposed(), x.cast(to: .float16), Tensor([1, -2], on: device), Tensor([Int32(5)], on: device),
      Tensor([true, false], on: device), x[1, 2], Tensor.zeros([0, 3], on: device),
    ]
    for tensor in tensors {
      try withFile { path in
        try tensor.write(npy: path)
        let back = try Tensor(npy: path, on: device)
        #expect(back.shape == tensor.shape && back.dtype == tensor.dtype)
        #expect(try back.isClose(to: tensor, relative: 0, absolute: 0))
        let bodySize = tensor.count * tensor.dtype.byteCount
        #expect((try Data(contentsOf: URL(fileURLWithPath: path)).count - bodySize) % 64 == 0)
      }
    }
  }

  @Test func readsFortranOrderDoublesAndBytes() throws {
    try withFile { path in
      let doubles: [Double] = [1, 4, 2, 5, 3, 6]
      let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n"
      try file(header, doubles.withUnsafeBytes { Array($0) }, version: 2).write(to: URL(fileURLWithPath: path))
      let x = try Tensor(npy: path, on: .cpu)
      #expect(x.shape == [2, 3])
      #expect(try x.scalars(as: Float.self) == [1, 2, 3, 4, 5, 6])
      try file("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", [0, 7, 255]).write(
        to: URL(fileURLWithPath: path))
      #expect(try Tensor(npy: path, on: .cpu).scalars(as: Int.self) == [0, 7, 255])
    }
  }

  @Test func damagedFilesThrowAndNameThemselves() throws {
    let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"
    let cases: [(String, Data)] = [
      ("no magic", Data("hello, world".utf8)), ("empty", Data()),
      ("header beyond the file", Data([0x93] + Array("NUMPY".utf8) + [1, 0, 255, 255])),
      ("version", file(good, [0, 0, 0, 0, 0, 0, 0, 0], version: 9)),
      ("short body", file(good, [0, 0, 0, 0])), ("long body", file(good, [UInt8](repeating: 0, count: 12))),
      ("dtype", file(good.replacingOccurrences(of: "<f4", with: "<c8"), [UInt8](repeating: 0, count: 16))),
      ("big endian", file(good.replacingOccurrences(of: "<f4", with: ">f4"), [UInt8](repeating: 0, count: 8))),
      ("no shape", file("{'descr': '<f4', 'fortran_order': False}\n", [])),
      ("huge shape", file(good.replacingOccurrences(of: "(2,)", with: "(4611686018427387904, 16)"), [])),
    ]
    for (name, data) in cases {
      try withFile { path in
        try data.write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: TernError.self, "\(name)") { try Tensor(npy: path, on: .cpu) }
        #expect(error?.code == .format, "\(name)")
        let namesFile = error?.message.contains(path) ?? false
        #expect(namesFile, "\(name)")
      }
    }
    let missing = #expect(throws: TernError.self) { try Tensor(npy: "/nonexistent/x.npy", on: .cpu) }
    #expect(missing?.code == .file)
    let unwritable = #expect(throws: TernError.self) { try Tensor(1, on: .cpu).write(npy: "/nonexistent/x.npy") }
    #expect(unwritable?.code == .file)
  }
}
