// SPDX-License-Identifier: MIT
import CTernCPU
import Foundation
import Synchronization

/// Threads that work through the chunks of one loop at a time.
///
/// Chunk boundaries come from the caller and depend on shapes only; threads take the next chunk in turn, so results do
/// not depend on how many threads there are or which of them is slow.
package final class ThreadPool: Sendable {
  /// The pool of `Device.cpu`, with `configuredThreadCount` threads.
  package static let shared = ThreadPool(threadCount: configuredThreadCount)

  /// Threads that work on a loop, the caller among them.
  package let threadCount: Int
  private let team: Team
  private let workers: Workers

  /// - Precondition: `threadCount` is at least 1.
  package init(threadCount: Int) {
    require(threadCount >= 1, "ThreadPool: the number of threads must be at least 1, got \(threadCount)")
    self.threadCount = threadCount
    team = Team()
    workers = Workers(team, count: threadCount - 1)
  }

  deinit {
    team.stop()
    workers.join()
  }

  /// Calls `body` once for each chunk in `0 ..< chunks`, from several threads, and returns when all are done.
  ///
  /// A call from inside a chunk, or while another thread's loop runs, works through its chunks alone.
  package func run(chunks: Int, _ body: (Int) -> Void) {
    if chunks <= 1 || threadCount == 1 || !team.claim() {
      for chunk in 0..<max(0, chunks) { body(chunk) }
      return
    }
    defer { team.unclaim() }
    withoutActuallyEscaping(body) { escapable in
      withUnsafePointer(to: escapable) { team.runLoop(chunks: chunks, $0) }
    }
  }

  /// `TERN_THREADS`, or the cores that this process may use.
  ///
  /// - Precondition: `TERN_THREADS`, if set, is a number from 1 to 1024.
  package static var configuredThreadCount: Int {
    guard let text = ProcessInfo.processInfo.environment["TERN_THREADS"], !text.isEmpty else { return availableCores }
    guard let count = Int(text), Doctor.threadCounts ~= count else {
      trap("TERN_THREADS: expected a number of threads from 1 to 1024, got '\(text)'")
    }
    return count
  }

  private static var availableCores: Int {
    let count = Int(tern_available_cores())
    return count > 0 ? count : max(1, ProcessInfo.processInfo.activeProcessorCount)
  }
}

/// What the threads of a pool share: the loop at hand and the ways to wait for the next.
///
/// Sendable: `body` and `chunkCount` are written only while `isOpen` is false and `members` is 0, and read only by
/// members that saw `isOpen` after joining; everything else is atomic or guarded by `mutex`.
private final class Team: @unchecked Sendable {
  typealias Body = (Int) -> Void

  private let isClaimed = Atomic(false)
  private let isOpen = Atomic(false)
  private let isStopping = Atomic(false)
  /// Loops published so far; a worker that has seen fewer has work to look for.
  private let generation = Atomic(0)
  private let nextChunk = Atomic(0)
  private let members = Atomic(0)
  private let sleepers = Atomic(0)
  private var body: UnsafePointer<Body>?
  private var chunkCount = 0
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Rounds of the pause instruction (about 15 ns each) before a worker sleeps: the gap between two operations of a
  /// training step is shorter, a pause of the program longer.
  private static let spins = 1000

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
  }

  deinit {
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    wake.deallocate()
    mutex.deallocate()
  }

  func claim() -> Bool {
    isClaimed.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
  }

  func unclaim() { isClaimed.store(false, ordering: .releasing) }

  func runLoop(chunks: Int, _ body: UnsafePointer<Body>) {
    self.body = body
    chunkCount = chunks
    nextChunk.store(0, ordering: .relaxed)
    isOpen.store(true, ordering: .sequentiallyConsistent)
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(mutex)
      pthread_cond_broadcast(wake)
      pthread_mutex_unlock(mutex)
    }
    workThrough(body, chunks)
    // A worker joins, then looks whether the loop is open; here the loop is closed, then the members are counted. So
    // whoever is not counted does not touch the body.
    isOpen.store(false, ordering: .sequentiallyConsistent)
    var rounds = 0
    while members.load(ordering: .sequentiallyConsistent) > 0 {
      rounds += 1
      if rounds < Self.spins { tern_pause() } else { sched_yield() }
    }
    self.body = nil
  }

  @inline(never)
  private func workThrough(_ body: UnsafePointer<Body>, _ chunks: Int) {
    while true {
      let chunk = nextChunk.add(1, ordering: .relaxed).oldValue
      if chunk >= chunks { return }
      body.pointee(chunk)
    }
  }

  /// What a worker does until the pool goes.
  func serve() {
    var seen = 0
    while true {
      seen = awaitLoop(after: seen)
      if isStopping.load(ordering: .acquiring) { return }
      members.add(1, ordering: .sequentiallyConsistent)
      if isOpen.load(ordering: .sequentiallyConsistent), let body { workThrough(body, chunkCount) }
      members.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  private func awaitLoop(after seen: Int) -> Int {
    for _ in 0..<Self.spins {
      let current = generation.load(ordering: .acquiring)
      if current != seen { return current }
      tern_pause()
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
    while true {
      let current = generation.load(ordering: .sequentiallyConsistent)
      if current != seen { return current }
      pthread_cond_wait(wake, mutex)
    }
  }

  func stop() {
    isStopping.store(true, ordering: .releasing)
    generation.add(1, ordering: .sequentiallyConsistent)
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }
}

/// The threads of a pool beside its caller. They hold the team, not the pool, so that the pool can go.
private struct Workers: Sendable {
  private let threads: [pthread_t]

  /// Starts `count` threads; fewer where the system refuses more, which costs speed only.
  init(_ team: Team, count: Int) {
    var threads: [pthread_t] = []
    for _ in 0..<count {
      var thread = pthread_t()
      let retained = Unmanaged.passRetained(team)
      let status = pthread_create(
        &thread, nil,
        { argument in
          Unmanaged<Team>.fromOpaque(argument!).takeRetainedValue().serve()
          return nil
        }, retained.toOpaque())
      if status != 0 {
        retained.release()
        break
      }
      threads.append(thread)
    }
    self.threads = threads
  }

  func join() {
    for thread in threads { pthread_join(thread, nil) }
  }
}
