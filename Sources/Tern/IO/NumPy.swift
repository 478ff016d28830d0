// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

extension Tensor {
  /// Reads a NumPy `.npy` file (format 1, 2 or 3; little-endian `f2 f4 f8 i4 i8 u1 b1`; C or Fortran order).
  ///
  /// `f8` is rounded to float32, `u1` becomes int32.
  ///
  /// - Throws: `TernError` with code `file` when it cannot be read, or `format` when it is damaged.
  public init(npy path: String, on device: Device? = nil) throws {
    self = try NumPyFile(RegularFile(path: path).contents(), path: path).tensor(on: device ?? .current)
  }

  /// Writes a NumPy `.npy` file, format 1; bfloat16, which NumPy lacks, is written as float32.
  ///
  /// - Throws: `TernError` when the values cannot be read from the device or the file cannot be written.
  public func write(npy path: String) throws {
    let data = try npyData()
    let file = try AtomicFile(path: path)
    try data.withUnsafeBytes { try file.write($0) }
    try file.commit()
  }

  /// What `write(npy:)` writes.
  package func npyData() throws -> Data {
    let stored = dtype == .bfloat16 ? cast(to: .float32) : self
    let codes: [DType: String] = [.float32: "<f4", .float16: "<f2", .int32: "<i4", .int64: "<i8", .bool: "|b1"]
    let extents = shape.map(String.init).joined(separator: ", ") + (rank == 1 ? "," : "")
    var header = "{'descr': '\(codes[stored.dtype]!)', 'fortran_order': False, 'shape': (\(extents)), }"
    // The data must start at a multiple of 64 bytes; the header ends in a newline.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(contentsOf: header.utf8)
    data.append(contentsOf: try stored.contiguous().bytes())
    return data
  }
}

/// The parts of a `.npy` file, checked against its size.
private struct NumPyFile {
  let path: String
  let code: String
  let isFortranOrder: Bool
  let shape: [Int]
  let body: Data

  init(_ data: Data, path: String) throws {
    self.path = path
    func damaged(_ what: String) -> TernError {
      TernError(.format, "\(path): \(what)", remedy: "write it again with numpy.save")
    }
    let bytes = [UInt8](data.prefix(12))
    guard bytes.count >= 10, bytes[0] == 0x93, bytes[1..<6].elementsEqual("NUMPY".utf8) else {
      throw damaged("is no .npy file: it does not start with \\x93NUMPY")
    }
    guard (1...3).contains(bytes[6]), bytes[6] == 1 || bytes.count == 12 else {
      throw damaged("has format version \(bytes[6]), expected 1 to 3")
    }
    let start = bytes[6] == 1 ? 10 : 12
    let length = (8..<start).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
    guard start + length <= data.count else {
      throw damaged("is truncated: its header of \(length) bytes ends beyond the file's \(data.count)")
    }
    let base = data.startIndex + start
    guard let header = String(data: data[base..<(base + length)], encoding: .utf8) else {
      throw damaged("has a header that is no text")
    }
    func entry(_ key: String, _ pattern: String) throws -> String {
      let expression = try NSRegularExpression(pattern: "'\(key)'\\s*:\\s*\(pattern)")
      let range = NSRange(header.startIndex..., in: header)
      guard let match = expression.firstMatch(in: header, range: range),
        let found = Range(match.range(at: 1), in: header)
      else { throw damaged("has a header without a readable '\(key)': \(header)") }
      return String(header[found])
    }
    code = try entry("descr", "'([^']*)'")
    isFortranOrder = try entry("fortran_order", "(True|False)") == "True"
    shape = try entry("shape", "\\(([0-9, ]*)\\)").split(separator: ",")
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
      .map { text in
        guard let extent = Int(text) else { throw damaged("has an extent out of range: \(text)") }
        return extent
      }
    let sizes = ["f2": 2, "f4": 4, "f8": 8, "i4": 4, "i8": 8, "u1": 1, "b1": 1]
    guard let size = sizes[String(code.dropFirst())], code.first != ">" else {
      throw TernError(
        .format, "\(path): has dtype '\(code)', which is not supported", remedy: "convert it to float32 or int64 first")
    }
    var expected = size
    for extent in shape {
      let (product, overflow) = expected.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw damaged("has a shape \(shape) that is too large") }
      expected = product
    }
    body = data[(base + length)...]
    guard body.count == expected else {
      throw damaged("holds \(body.count) bytes of values, but shape \(shape) of '\(code)' takes \(expected)")
    }
  }

  func tensor(on device: Device) -> Tensor {
    // Fortran order is the transpose of C order.
    let stored = isFortranOrder ? Array(shape.reversed()) : shape
    let tensor = body.withUnsafeBytes { bytes -> Tensor in
      switch code.dropFirst() {
      case "f8":
        return Tensor(
          (0..<elementCount(stored)).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) },
          shape: stored, on: device)
      case "u1": return Tensor([UInt8](bytes), shape: stored, on: device)
      case "f2": return .uploaded(bytes, stored, .float16, device)
      case "i4": return .uploaded(bytes, stored, .int32, device)
      case "i8": return .uploaded(bytes, stored, .int64, device)
      case "b1": return .uploaded(bytes, stored, .bool, device)
      default: return .uploaded(bytes, stored, .float32, device)
      }
    }
    return isFortranOrder ? tensor.transposed(Array(shape.indices.reversed())).contiguous() : tensor
  }
}
