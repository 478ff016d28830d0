// SPDX-License-Identifier: MIT
import CZlib
import Tern

/// Decompresses a gzip stream piece by piece through zlib, checking its checksums.
///
/// A file of several gzip members (`cat a.gz b.gz`) reads as one, as gzip itself does.
final class Inflater {
  private static let windowBits: Int32 = 15 + 32  // the largest window; + 32 detects gzip and zlib headers
  private static let inputSize = 1 << 16
  private let path: String
  private var stream = z_stream()
  private var input: [UInt8] = []
  private var position = 0
  private var isFinished = false
  /// What reading has found before; zlib is not asked again.
  private var failure: TernError?

  init(path: String) throws {
    self.path = path
    let status = inflateInit2_(&stream, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      throw TernError(.file, "cannot decompress \(path)", remedy: "free some memory", cause: "zlib status \(status)")
    }
  }

  deinit { inflateEnd(&stream) }

  /// The next decompressed bytes: `count` of them, or fewer where the stream ends.
  ///
  /// - Parameter refill: reads compressed bytes from the file, at most as many as it is told; none at its end.
  /// - Throws: `TernError` with code `format` if the stream is damaged or stops before its end.
  func read(upTo count: Int, refill: (Int) throws -> [UInt8]) throws -> [UInt8] {
    if let failure { throw failure }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: min(count, 1 << 18))
    while bytes.count < count, !isFinished {
      if position == input.count {
        input = try refill(Self.inputSize)
        position = 0
        guard !input.isEmpty else {
          throw broken("stop before their end", remedy: "the file is truncated: download or compress it again")
        }
      }
      let produced = try inflate(into: &piece, limit: min(piece.count, count - bytes.count), refill: refill)
      bytes.append(contentsOf: piece[..<produced])
    }
    return bytes
  }

  private func inflate(into piece: inout [UInt8], limit: Int, refill: (Int) throws -> [UInt8]) throws -> Int {
    let available = input.count - position
    let status = input.withUnsafeMutableBufferPointer { input in
      piece.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress.map { $0 + position }
        stream.avail_in = UInt32(available)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(limit)
        return CZlib.inflate(&stream, Z_NO_FLUSH)
      }
    }
    position += available - Int(stream.avail_in)
    switch status {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: try startNextMember(refill)
    default:
      throw broken(
        "are damaged", remedy: "download or compress the file again",
        cause: stream.msg.map { String(cString: $0) } ?? "zlib status \(status)")
    }
    return limit - Int(stream.avail_out)
  }

  private func broken(_ what: String, remedy: String, cause: String? = nil) -> TernError {
    let error = TernError(.format, "\(path): the gzip data \(what)", remedy: remedy, cause: cause)
    failure = error
    return error
  }

  private func startNextMember(_ refill: (Int) throws -> [UInt8]) throws {
    if position == input.count {
      input = try refill(Self.inputSize)
      position = 0
    }
    isFinished = input.isEmpty
    if !isFinished { inflateReset(&stream) }
  }
}
