// SPDX-License-Identifier: MIT
import CTernCPU

/// Working memory of the CPU's kernels: packed panels, padded images, partial sums.
///
/// Blocks are kept after use, because memory that comes fresh from the operating system faults at each page, which
/// costs more than packing a panel into it. A block serves one thread at a time; there are about as many as there are
/// threads.
package final class ScratchPool: Sendable {
  package static let shared = ScratchPool()

  /// Sendable: a block is owned by the pool or by one `withFloats` call, never by both.
  private struct Block: @unchecked Sendable {
    let address: UnsafeMutableRawPointer
    let byteCount: Int
  }

  private let free = Lock<[Block]>([])

  /// Calls `body` with room for `count` floats, aligned to 64 bytes, contents undefined.
  package func withFloats<Result>(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result) -> Result {
    let byteCount = max(1, count) * MemoryLayout<Float>.stride
    let block = take(byteCount: byteCount)
    tern_fence(block.address, byteCount, block.byteCount)
    defer {
      tern_fence(block.address, 0, block.byteCount)
      free.withLock { $0.append(block) }
    }
    return body(block.address.assumingMemoryBound(to: Float.self))
  }

  /// Bytes that are kept for reuse.
  package var pooledBytes: Int { free.withLock { $0.reduce(0) { $0 + $1.byteCount } } }

  /// Gives all blocks that are not in use back to the operating system.
  package func empty() {
    let blocks = free.withLock { free in
      defer { free = [] }
      return free
    }
    for block in blocks { block.address.deallocate() }
  }

  /// The smallest free block that is large enough. When there is none a new one replaces the largest that was too
  /// small, so that the pool grows with the work, not with the number of different sizes asked for.
  private func take(byteCount: Int) -> Block {
    let (block, outgrown): (Block?, Block?) = free.withLock { free in
      let fits = free.indices.filter { free[$0].byteCount >= byteCount }
      if let best = fits.min(by: { free[$0].byteCount < free[$1].byteCount }) {
        let block = free.remove(at: best)
        return (block, nil)
      }
      guard let largest = free.indices.max(by: { free[$0].byteCount < free[$1].byteCount }) else { return (nil, nil) }
      return (nil, free.remove(at: largest))
    }
    if let block { return block }
    outgrown?.address.deallocate()
    let pages = (byteCount + 4095) / 4096
    let rounded = (pages + pages / 8) * 4096  // room for a slightly larger batch
    return Block(address: .allocate(byteCount: rounded, alignment: 64), byteCount: rounded)
  }
}
