// SPDX-License-Identifier: MIT
import Foundation

/// Keeps the blocks of memory that tensors gave back, by size class, so that a training loop allocates nothing after
/// its first steps.
///
/// Classes stand 8 to a power of two from 256 bytes on, so at most an eighth of a block is wasted. Where blocks come
/// from is the device's business: `obtain` returns a new block of exactly the given capacity or null, `free` takes one
/// back. Both are called outside the lock.
package final class MemoryPool: Sendable {
  package typealias Block = UnsafeMutableRawPointer

  fileprivate struct State {
    /// Free blocks of each class, as bit patterns: pointers are not Sendable.
    var free: [[UInt]] = []
    var use = MemoryUse()
  }

  /// The most bytes that blocks in use and pooled ones may take together; nil for no limit but the device's.
  package let limit: Int?
  private let state = Lock(State())
  private let recycles: Bool
  private let obtain: @Sendable (_ capacity: Int) -> Block?
  private let free: @Sendable (_ block: Block, _ capacity: Int) -> Void

  /// - Parameter recycles: whether free blocks are kept; if not, each block is new and exactly as large as it was asked
  ///   for, which a checker of memory accesses needs.
  package init(
    limit: Int? = nil, recycles: Bool = true, obtain: @escaping @Sendable (_ capacity: Int) -> Block?,
    free: @escaping @Sendable (_ block: Block, _ capacity: Int) -> Void
  ) {
    self.limit = limit
    self.recycles = recycles
    self.obtain = obtain
    self.free = free
  }

  deinit { flush() }

  /// A block of at least `byteCount` bytes and its class's capacity, which `release` wants back.
  ///
  /// - Returns: nil when there is no memory or the limit is reached, even after the free blocks have been given back.
  package func allocate(byteCount: Int) -> (block: Block, capacity: Int)? {
    let (index, capacity) = recycles ? Self.sizeClass(byteCount) : (0, max(1, byteCount))
    // The capacity is booked under the lock, so that two threads cannot both pass the limit.
    let (pooled, fits) = state.withLock { state -> (UInt?, Bool) in
      if recycles, index < state.free.count, let block = state.free[index].popLast() {
        state.use.pooled -= capacity
        state.take(capacity)
        return (block, true)
      }
      return (nil, state.book(capacity, limit: limit))
    }
    if let pooled { return (Block(bitPattern: pooled)!, capacity) }
    if !fits {
      flush()
      guard state.withLock({ $0.book(capacity, limit: limit) }) else { return nil }
    }
    if let block = obtain(capacity) { return (block, capacity) }
    flush()
    if let block = obtain(capacity) { return (block, capacity) }
    state.withLock { $0.use.inUse -= capacity }
    return nil
  }

  /// Takes back a block that `allocate` gave.
  package func release(_ block: Block, capacity: Int) {
    guard recycles else {
      state.withLock { $0.use.inUse -= capacity }
      return free(block, capacity)
    }
    let (index, _) = Self.sizeClass(capacity)
    let bits = UInt(bitPattern: block)
    state.withLock { state in
      while state.free.count <= index { state.free.append([]) }
      state.free[index].append(bits)
      state.use.inUse -= capacity
      state.use.pooled += capacity
    }
  }

  /// Gives all free blocks back to where they came from.
  package func flush() {
    let blocks = state.withLock { state in
      defer {
        state.free = []
        state.use.pooled = 0
      }
      return state.free
    }
    for (index, classBlocks) in blocks.enumerated() {
      for block in classBlocks { free(Block(bitPattern: block)!, Self.capacity(ofClass: index)) }
    }
  }

  package var use: MemoryUse { state.withLock { $0.use } }

  // MARK: Size classes

  private static let smallest = 256

  /// The class that holds `byteCount` bytes, and its capacity.
  package static func sizeClass(_ byteCount: Int) -> (index: Int, capacity: Int) {
    if byteCount <= smallest { return (0, smallest) }
    // byteCount is in 2^power + 1 ... 2^(power + 1); the class steps by an eighth of 2^power.
    let power = Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount
    let step = 1 << (power - 3)
    let eighths = (byteCount - (1 << power) + step - 1) / step
    return ((power - 8) * 8 + eighths, (1 << power) + eighths * step)
  }

  private static func capacity(ofClass index: Int) -> Int {
    if index == 0 { return smallest }
    let power = (index - 1) / 8 + 8
    return (1 << power) + ((index - 1) % 8 + 1) << (power - 3)
  }
}

extension MemoryPool.State {
  /// Counts `capacity` bytes as in use.
  fileprivate mutating func take(_ capacity: Int) {
    use.inUse += capacity
    use.peak = max(use.peak, use.inUse)
  }

  /// Counts a new block in, unless it would pass the limit.
  fileprivate mutating func book(_ capacity: Int, limit: Int?) -> Bool {
    if let limit, use.inUse + use.pooled + capacity > limit { return false }
    take(capacity)
    return true
  }
}

extension MemoryPool {
  /// The limit in `TERN_MEMORY_LIMIT`: bytes, or a number with the suffix K, M or G (powers of 1024); nil when unset.
  ///
  /// - Throws: `TernError` with code `setting` for anything else.
  package static func configuredLimit(
    _ text: String? = ProcessInfo.processInfo.environment["TERN_MEMORY_LIMIT"]
  ) throws -> Int? {
    guard let text, !text.isEmpty else { return nil }
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
    let shift = text.last.flatMap { shifts[Character($0.uppercased())] } ?? 0
    let digits = shift == 0 ? text[...] : text.dropLast()
    if digits.allSatisfy(\.isASCII), let count = Int(digits), count > 0 {
      let (bytes, overflows) = count.multipliedReportingOverflow(by: 1 << shift)
      if !overflows { return bytes }
    }
    throw TernError(
      .setting, "TERN_MEMORY_LIMIT: '\(text)' is no amount of memory",
      remedy: "use a number of bytes, or a number with the suffix K, M or G")
  }
}
