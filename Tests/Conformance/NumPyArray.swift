// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// An array of a `.npy` file, versions 1 and 2, in C order: what the golden cases need of the format
/// (NEP 1, "A simple file format for NumPy arrays").
package struct NumPyArray: Sendable {
  package let shape: [Int]
  /// NumPy's name of the element type: `<f4`, `<i8`, `|b1`.
  let type: String
  private let elements: Data

  package struct FormatError: Error, CustomStringConvertible {
    let message: String
    package var description: String { message }
  }

  package init(_ data: Data) throws {
    let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    let bytes = [UInt8](data.prefix(12))
    guard bytes.count == 12, Array(bytes[..<6]) == magic else { throw FormatError(message: "not a .npy file") }
    let (start, length) =
      bytes[6] == 1
      ? (10, Int(bytes[8]) | Int(bytes[9]) << 8)
      : (12, Int(bytes[8]) | Int(bytes[9]) << 8 | Int(bytes[10]) << 16 | Int(bytes[11]) << 24)
    let header = String(decoding: data.dropFirst(start).prefix(length), as: UTF8.self)
    let pattern = /'descr': '(.+?)', 'fortran_order': (False|True), 'shape': \((.*?)\)/
    guard let match = header.firstMatch(of: pattern), match.2 == "False" else {
      throw FormatError(message: "unexpected header \(header)")
    }
    type = String(match.1)
    shape = match.3.split(separator: ",").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    elements = data.dropFirst(start + length)
  }

  private init(shape: [Int], type: String, elements: Data) {
    self.shape = shape
    self.type = type
    self.elements = elements
  }

  /// An array of that shape of the elements from `start` on.
  func part(from start: Int, shape: [Int]) throws -> NumPyArray {
    let width = Int(type.suffix(1))!
    let (first, end) = (start * width, (start + shape.reduce(1, *)) * width)
    guard start >= 0, end <= elements.count else {
      throw FormatError(message: "elements from \(start) on, of shape \(shape), are not there")
    }
    return NumPyArray(shape: shape, type: type, elements: elements.dropFirst(first).prefix(end - first))
  }

  /// The numbers, whatever their type.
  package var doubles: [Double] {
    switch type {
    case "<f4": values(of: Float.self).map(Double.init)
    case "<f8": values(of: Double.self)
    case "<i4": values(of: Int32.self).map(Double.init)
    case "<i8": values(of: Int64.self).map(Double.init)
    default: values(of: UInt8.self).map(Double.init)
    }
  }

  /// The tensor of the same type and shape.
  package func tensor(on device: Device) -> Tensor {
    switch type {
    case "<i4": Tensor(values(of: Int32.self), shape: shape, on: device)
    case "<i8": Tensor(values(of: Int64.self), shape: shape, on: device)
    case "|b1": Tensor(values(of: UInt8.self).map { $0 != 0 }, shape: shape, on: device)
    default: Tensor(doubles.map { Float($0) }, shape: shape, on: device)
    }
  }

  private func values<T: BitwiseCopyable>(of type: T.Type) -> [T] {
    let count = shape.reduce(1, *)
    return elements.withUnsafeBytes { bytes in
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self) }
    }
  }
}

/// An `.npz` archive whose members are stored, not compressed, as `numpy.savez` writes it.
package struct NumPyArchive: Sendable {
  private let data: Data
  /// Where each member's contents stand.
  private let members: [String: Range<Int>]

  package init(contentsOf url: URL) throws {
    data = try Data(contentsOf: url)
    members = try Self.directory(of: data)
  }

  /// The arrays by their names.
  package func arrays() throws -> [String: NumPyArray] {
    var arrays: [String: NumPyArray] = [:]
    for (name, range) in members where name.hasSuffix(".npy") {
      arrays[String(name.dropLast(4))] = try NumPyArray(Data(data[range]))
    }
    return arrays
  }

  /// Walks the central directory at the file's end (APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12, 4.3.16).
  private static func directory(of data: Data) throws -> [String: Range<Int>] {
    func number(_ offset: Int, _ width: Int) -> Int {
      (0..<width).reduce(0) { $0 | Int(data[offset + $1]) << (8 * $1) }
    }
    let end = data.count - 22  // no archive comment
    guard end >= 0, number(end, 4) == 0x0605_4B50 else {
      throw NumPyArray.FormatError(message: "not a .npz archive")
    }
    var members: [String: Range<Int>] = [:]
    var entry = number(end + 16, 4)
    for _ in 0..<number(end + 10, 2) {
      guard number(entry, 4) == 0x0201_4B50, number(entry + 10, 2) == 0 else {
        throw NumPyArray.FormatError(message: "a member of the archive is compressed or damaged")
      }
      let nameLength = number(entry + 28, 2)
      let name = String(decoding: data[entry + 46..<entry + 46 + nameLength], as: UTF8.self)
      let local = number(entry + 42, 4)
      let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
      members[name] = start..<start + number(entry + 24, 4)
      entry += 46 + nameLength + number(entry + 30, 2) + number(entry + 32, 2)
    }
    return members
  }
}
