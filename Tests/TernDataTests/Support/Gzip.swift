// SPDX-License-Identifier: MIT
import CZlib

/// Compresses with zlib in gzip format: the counterpart that the reader is tested with.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  let gzipFormat: Int32 = 15 + 16
  deflateInit2_(
    &stream, 6, Z_DEFLATED, gzipFormat, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  defer { deflateEnd(&stream) }
  var source = bytes
  var target = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
  let count = source.withUnsafeMutableBufferPointer { source in
    target.withUnsafeMutableBufferPointer { target in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = target.baseAddress
      stream.avail_out = UInt32(target.count)
      deflate(&stream, Z_FINISH)
      return target.count - Int(stream.avail_out)
    }
  }
  return Array(target[..<count])
}
