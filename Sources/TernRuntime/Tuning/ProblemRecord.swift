// SPDX-License-Identifier: MIT
import Synchronization

/// The problems that a device met in this process, and how often: what `tern tune` will look at.
///
/// Counting a problem that is known takes no lock: one atomic load and one addition in a table that is indexed by the
/// problem's hash. At most `limit` problems are kept; later ones are not counted.
///
/// Sendable: the pointers never change, what they point to is atomic, and the list has its lock.
final class ProblemRecord: @unchecked Sendable {
  static let limit = 512
  /// At most a quarter full, so that few probes are needed.
  private static let slots = 4 * limit

  /// A problem's hash, 0 in a free slot.
  private let hashes: UnsafeMutablePointer<Atomic<Int>>
  private let counts: UnsafeMutablePointer<Atomic<Int>>
  private let met = Lock<[(problem: ProblemClass, slot: Int)]>([])
  private let isFull = Atomic(false)

  init() {
    hashes = .allocate(capacity: Self.slots)
    counts = .allocate(capacity: Self.slots)
    for slot in 0..<Self.slots {
      (hashes + slot).initialize(to: Atomic(0))
      (counts + slot).initialize(to: Atomic(0))
    }
  }

  deinit {
    hashes.deinitialize(count: Self.slots).deallocate()
    counts.deinitialize(count: Self.slots).deallocate()
  }

  /// Counts one call.
  ///
  /// - Parameter hash: of the problem, the same within the process.
  func meet(_ problem: ProblemClass, hash: Int) {
    let mark = hash == 0 ? 1 : hash
    var slot = Int(truncatingIfNeeded: UInt(bitPattern: mark) % UInt(Self.slots))
    while true {
      let found = hashes[slot].load(ordering: .relaxed)
      if found == mark { break }
      if found == 0 {
        if isFull.load(ordering: .relaxed) { return }
        let (exchanged, original) = hashes[slot].compareExchange(
          expected: 0, desired: mark, ordering: .relaxed)
        if exchanged { add(problem, slot) }
        if exchanged || original == mark { break }
      }
      slot = (slot + 1) % Self.slots
    }
    counts[slot].add(1, ordering: .relaxed)
  }

  /// What was met, in the order of the first meetings.
  var problems: [(problem: ProblemClass, count: Int)] {
    met.withLock { $0 }.map { ($0.problem, counts[$0.slot].load(ordering: .relaxed)) }
  }

  private func add(_ problem: ProblemClass, _ slot: Int) {
    met.withLock { met in
      met.append((problem, slot))
      // Threads that passed the check may add a few more; the table has room for them.
      if met.count >= Self.limit { isFull.store(true, ordering: .relaxed) }
    }
  }
}
