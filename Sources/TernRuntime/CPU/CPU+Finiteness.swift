// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  /// Bytes of a chunk, some microseconds of reading.
  private static let bytesOfChunk = 1 << 18

  package func findNotFinite(in views: [StridedView], into flag: StridedView) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_reduction_functions_for(isa).pointee
    // Kept until all chunks are done: a copy's memory goes back to the pool with it.
    let arrays = views.filter { $0.count > 0 }.map { dense($0, as: $0.dtype) }
    var chunks: [(array: Int, first: Int, count: Int)] = []
    for (index, array) in arrays.enumerated() {
      let length = Self.bytesOfChunk / array.dtype.byteCount
      for first in stride(from: 0, to: array.count, by: length) {
        chunks.append((index, first, min(length, array.count - first)))
      }
    }
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: chunks.count) { found in
      threads.run(chunks: chunks.count) { [chunks] index in
        let (array, first, count) = chunks[index]
        let x = UnsafeRawPointer(arrays[array].address)
        let result =
          switch arrays[array].dtype {
          case .float16: table.has_not_finite_16(x.assumingMemoryBound(to: UInt16.self) + first, count, 0x7C00)
          case .bfloat16: table.has_not_finite_16(x.assumingMemoryBound(to: UInt16.self) + first, count, 0x7F80)
          default: table.has_not_finite_32(x.assumingMemoryBound(to: UInt32.self) + first, count)
          }
        found.initializeElement(at: index, to: result)
      }
      flag.address.storeBytes(of: found.contains { $0 != 0 } ? 1 : 0, as: Int32.self)
    }
    withExtendedLifetime(arrays) {}
  }
}
