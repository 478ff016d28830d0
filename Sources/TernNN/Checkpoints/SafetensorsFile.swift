// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// A safetensors file that is open for reading.
///
/// Opening reads and checks the header only: that its length lies in the file, that dtypes are known, that every
/// tensor's bytes fit its shape, and that together they cover the data without gap or overlap. Nothing is allocated
/// from a number that has not been checked. Tensors are read one by one when asked for.
public final class SafetensorsFile {
  /// What messages call the file.
  public let path: String
  private let file: RegularFile
  private let header: SafetensorsHeader
  private let dataStart: Int

  /// Opens a file, reads its header and checks it.
  ///
  /// - Throws: `TernError` with code `file` when it cannot be read, `format` when it is damaged or none of the kind.
  public init(path: String) throws {
    self.path = path
    file = try RegularFile(path: path)
    (header, dataStart) = try Self.readHeader(file)
  }

  /// The strings that were stored with the tensors.
  public var metadata: [String: String] { header.metadata }

  /// Names of all tensors, in the order of their data.
  public var names: [String] { header.inOrder.map(\.name) }

  /// The shape of a tensor, without reading it; nil when there is none of that name.
  public func shape(of name: String) -> [Int]? { header.entries[name]?.shape }

  /// The dtype of a tensor, without reading it; nil when there is none of that name.
  public func dtype(of name: String) -> DType? {
    header.entries[name].flatMap { SafetensorsHeader.dtypes[$0.dtype] }
  }

  /// Reads one tensor.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` when there is none of that name, `file` when reading fails.
  public func tensor(_ name: String, on device: Device? = nil) throws -> Tensor {
    guard let entry = header.entries[name], let dtype = dtype(of: name) else {
      throw TernError(.checkpointMismatch, "\(path) has no tensor '\(name)'", remedy: "use the file of this model")
    }
    var bytes = [UInt8](repeating: 0, count: entry.byteCount)
    let start = dataStart + entry.offsets[0]
    try bytes.withUnsafeMutableBytes { try Self.read(file, at: start, into: $0) }
    return Tensor(littleEndianBytes: bytes, dtype: dtype, shape: entry.shape, on: device)
  }

  private static func readHeader(_ file: RegularFile) throws -> (SafetensorsHeader, Int) {
    let (path, fileSize) = (file.path, file.size)
    func broken(_ what: String) -> TernError {
      TernError(.format, "\(path): \(what)", remedy: "the file is damaged or no safetensors file; get it again")
    }
    guard fileSize >= 8 else { throw broken("\(fileSize) bytes are too few for a safetensors file") }
    var field = UInt64(0)
    try withUnsafeMutableBytes(of: &field) { try read(file, at: 0, into: $0) }
    let stated = UInt64(littleEndian: field)
    guard stated <= UInt64(fileSize - 8) else {
      throw broken("the safetensors header should have \(stated) bytes, but the file has only \(fileSize)")
    }
    guard stated <= UInt64(SafetensorsHeader.maximumLength) else {
      throw broken("a safetensors header of \(stated) bytes is beyond the limit of \(SafetensorsHeader.maximumLength)")
    }
    var json = Data(count: Int(stated))
    try json.withUnsafeMutableBytes { try read(file, at: 8, into: $0) }
    let dataStart = 8 + Int(stated)
    return (try SafetensorsHeader(json: json, dataByteCount: fileSize - dataStart, path: path), dataStart)
  }

  private static func read(_ file: RegularFile, at offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
    guard try file.read(at: offset, into: target) == target.count else {
      throw TernError(
        .file, "cannot read \(file.path)", remedy: "get the file again", cause: "the file became shorter")
    }
  }
}

/// Writes tensors to a safetensors file, atomically: a file that was there stays whole if anything fails.
///
/// Tensors are read from their devices one by one, so the host holds one at a time.
/// - Throws: `TernError` with code `file` when the place cannot be written, or what the device reports.
public func writeSafetensors(
  _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to path: String
) throws {
  let ordered = SafetensorsHeader.order(tensors) { $0.tensor.dtype }
  let header = SafetensorsHeader(ordered.map { ($0.name, $0.tensor.dtype, $0.tensor.shape) }, metadata: metadata)
  let file = try AtomicFile(path: path)
  try header.encoded().withUnsafeBytes { try file.write($0) }
  for (_, tensor) in ordered {
    try tensor.littleEndianBytes().withUnsafeBytes { try file.write($0) }
  }
  try file.commit()
}
