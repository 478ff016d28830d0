// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// What a safetensors file says of itself: 8 bytes with the length of a JSON object (little-endian), then the object,
/// then the tensors' bytes. <https://github.com/huggingface/safetensors>
struct SafetensorsHeader {
  struct Entry: Codable, Equatable {
    var dtype: String
    var shape: [Int]
    /// First byte and the byte after the last, from the end of the header.
    var offsets: [Int]

    var byteCount: Int { offsets[1] - offsets[0] }

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }

  var entries: [String: Entry]
  var metadata: [String: String]

  /// The reference implementation refuses longer headers, too.
  static let maximumLength = 100_000_000
  private static let metadataKey = "__metadata__"

  /// Tern's dtypes under their names in the format.
  static let dtypes: [String: DType] = [
    "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I32": .int32, "I64": .int64, "BOOL": .bool,
  ]

  /// The entries in the order of their data; a damaged one may lack its offsets.
  var inOrder: [(name: String, entry: Entry)] {
    entries.map { ($0.key, $0.value) }.sorted { a, b in
      (a.entry.offsets.first ?? 0, a.name) < (b.entry.offsets.first ?? 0, b.name)
    }
  }

  static func name(of dtype: DType) -> String { dtypes.first { $0.value == dtype }!.key }

  // MARK: Reading

  /// Reads and checks a header.
  ///
  /// - Parameters:
  ///   - json: the bytes of the JSON object.
  ///   - dataByteCount: bytes of the file after the header.
  ///   - path: what messages call the file.
  init(json: Data, dataByteCount: Int, path: String) throws {
    func broken(_ what: String) -> TernError {
      TernError(.format, "\(path): \(what)", remedy: "the file is damaged or no safetensors file; get it again")
    }
    guard json.first == UInt8(ascii: "{") else { throw broken("the safetensors header is no JSON object") }
    let fields: [String: Field]
    do {
      fields = try JSONDecoder().decode([String: Field].self, from: json)
    } catch {
      throw broken("the safetensors header cannot be read: \(reason(of: error))")
    }
    metadata = [:]
    entries = [:]
    for (name, field) in fields {
      switch field {
      case .metadata(let strings) where name == Self.metadataKey: metadata = strings
      case .tensor(let entry) where name != Self.metadataKey: entries[name] = entry
      default: throw broken("'\(name)' in the safetensors header is not what the format wants there")
      }
    }
    var end = 0
    for (name, entry) in inOrder {
      guard let dtype = Self.dtypes[entry.dtype] else {
        throw TernError(
          .format, "\(path): '\(name)' has the unknown dtype '\(entry.dtype)'",
          remedy: "Tern reads \(Self.dtypes.keys.sorted().joined(separator: ", ")); convert the tensor")
      }
      guard entry.offsets.count == 2, 0 <= entry.offsets[0], entry.offsets[0] <= entry.offsets[1],
        entry.offsets[1] <= dataByteCount
      else {
        throw broken("'\(name)' has offsets \(entry.offsets) outside the \(dataByteCount) bytes of data")
      }
      guard Self.byteCount(entry.shape, dtype) == entry.byteCount else {
        throw broken("'\(name)' has \(entry.byteCount) bytes, which does not fit \(entry.dtype) \(entry.shape)")
      }
      if entry.offsets[0] < end { throw broken("'\(name)' overlaps another tensor") }
      if entry.offsets[0] > end { throw broken("there is a gap of data before '\(name)'") }
      end = entry.offsets[1]
    }
    if end != dataByteCount { throw broken("\(dataByteCount - end) bytes after the last tensor belong to none") }
  }

  /// Bytes of a tensor, or nil where a shape is negative or its product overflows.
  private static func byteCount(_ shape: [Int], _ dtype: DType) -> Int? {
    var count = dtype.byteCount
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if extent < 0 || overflow { return nil }
      count = product
    }
    return count
  }

  private enum Field: Decodable {
    case tensor(Entry)
    case metadata([String: String])

    init(from decoder: any Decoder) throws {
      let key = decoder.codingPath.last?.stringValue
      self =
        key == metadataKey ? .metadata(try [String: String](from: decoder)) : .tensor(try Entry(from: decoder))
    }
  }

  // MARK: Writing

  /// Lays tensors out one after the other, large elements first, so that all are aligned to their size.
  init(_ tensors: [(name: String, dtype: DType, shape: [Int])], metadata: [String: String]) {
    var offset = 0
    entries = [:]
    self.metadata = metadata
    for (name, dtype, shape) in Self.order(tensors, by: \.dtype) {
      let end = offset + shape.reduce(dtype.byteCount, *)
      entries[name] = Entry(dtype: Self.name(of: dtype), shape: shape, offsets: [offset, end])
      offset = end
    }
  }

  /// The order of the data in the file: stable, by descending element size.
  static func order<T>(_ tensors: [T], by dtype: (T) -> DType) -> [T] {
    tensors.enumerated().sorted { a, b in
      (-dtype(a.element).byteCount, a.offset) < (-dtype(b.element).byteCount, b.offset)
    }.map(\.element)
  }

  /// The length field and the JSON, padded with spaces so that the data begins at a multiple of 8.
  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var json = Data("{".utf8)
    var separator = ""
    if !metadata.isEmpty {
      json += Data("\"\(Self.metadataKey)\":".utf8) + (try encoder.encode(metadata))
      separator = ","
    }
    for (name, entry) in inOrder {
      json += Data(separator.utf8) + (try encoder.encode(name)) + Data(":".utf8) + (try encoder.encode(entry))
      separator = ","
    }
    json.append(UInt8(ascii: "}"))
    while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json
  }
}
