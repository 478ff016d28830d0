// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct DamagedSafetensorsTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
    try Data(bytes).write(to: URL(fileURLWithPath: folder.file("damaged")))
    return try SafetensorsFile(path: folder.file("damaged"))
  }

  /// A file with this header, whatever it says.
  private func bytes(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Array($0) } + Array(header.utf8)
      + [UInt8](repeating: 1, count: data)
  }

  private func tensor(_ name: String, _ dtype: String, _ shape: String, _ from: Int, _ to: Int) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[\#(from),\#(to)]}"#
  }

  @Test func eachDamageIsNamed() {
    let cases: [(what: String, bytes: [UInt8])] = [
      ("too few", [1, 2, 3]), ("too few", []),
      ("header should have", bytes("{}", length: 3)), ("header should have", bytes("{}", length: .max)),
      ("header should have", bytes("{}", length: 1 << 63)),
      ("JSON", bytes("")), ("JSON", bytes("[]")), ("cannot be read", bytes("{\"x\":")),
      ("cannot be read", bytes("{\"x\":3}")),
      ("cannot be read", bytes(#"{"x":{"dtype":"F32","shape":[1]}}"#)),
      ("cannot be read", bytes(#"{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, data: 4)),
      ("cannot be read", bytes(#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,1e30]}}"#, data: 4)),
      ("cannot be read", bytes(#"{"__metadata__":{"a":1}}"#)),
      ("unknown dtype 'F8_E4M3'", bytes("{\(tensor("x", "F8_E4M3", "[4]", 0, 4))}", data: 4)),
      ("outside", bytes("{\(tensor("x", "F32", "[1]", 0, 4))}", data: 3)),
      ("outside", bytes("{\(tensor("x", "F32", "[1]", -4, 0))}", data: 4)),
      ("outside", bytes("{\(tensor("x", "F32", "[1]", 8, 4))}", data: 8)),
      ("outside", bytes(#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, data: 4)),
      ("does not fit", bytes("{\(tensor("x", "F32", "[3]", 0, 8))}", data: 8)),
      ("does not fit", bytes("{\(tensor("x", "F32", "[-1]", 0, 4))}", data: 4)),
      ("does not fit", bytes("{\(tensor("x", "F32", "[4294967296,4294967296,4]", 0, 4))}", data: 4)),
      ("does not fit", bytes("{\(tensor("x", "F32", "[0,-5]", 0, 0))}")),
      ("overlaps", bytes("{\(tensor("x", "F32", "[2]", 0, 8)),\(tensor("y", "F32", "[1]", 4, 8))}", data: 8)),
      ("gap", bytes("{\(tensor("x", "F32", "[1]", 0, 4)),\(tensor("y", "F32", "[1]", 8, 12))}", data: 12)),
      ("belong to none", bytes("{\(tensor("x", "F32", "[1]", 0, 4))}", data: 5)),
    ]
    for (what, bytes) in cases { expectError(.format, what, folder.file("damaged")) { try open(bytes) } }
  }

  @Test func anEmptyFileOfTheFormatIsFine() throws {
    #expect(try open(bytes("{}")).names.isEmpty)
    #expect(try open(bytes("{}   ")).names.isEmpty)
  }

  @Test func noTruncationAndNoFlippedByteCrashes() throws {
    let path = folder.file("whole")
    try writeSafetensors(
      [("weight", sampleTensor([3, 2])), ("steps", Tensor([4], on: .cpu))], metadata: ["a": "b"], to: path)
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for count in whole.indices {
      #expect(throws: TernError.self, "\(count) bytes") { try open(Array(whole[..<count])) }
    }
    var generator = RandomGenerator(seed: 12).hostWords(2 * 600)[...]
    for _ in 0..<600 {
      var damaged = whole
      let place = Int(generator.removeFirst()) % (whole.count - 32)  // all but the data
      damaged[place] = UInt8(truncatingIfNeeded: generator.removeFirst())
      do {
        let file = try open(damaged)
        for name in file.names { #expect(try file.tensor(name, on: .cpu).shape == file.shape(of: name)) }
      } catch let error as TernError {
        #expect(error.code == .format)
      }
    }
  }
}
