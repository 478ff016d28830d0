// SPDX-License-Identifier: MIT
import Foundation
import Synchronization

/// Lets devices finish before the process ends, because a driver that takes itself down under a running kernel may
/// crash.
///
/// A handler of `atexit` shuts the queues, so that threads which go on enqueue nothing more, and waits until they are
/// empty and no program is being compiled. The handler registered last runs first, and that must be ours: PoCL compiles
/// a kernel on its own threads at its first launch, and compilations register the end of LLVM's tables, without which
/// one under way crashes. So a queue waits for each kernel's first launch, and both it and every compilation register
/// the handler anew. Only a process that ends during its very first compilation on another thread is not waited for.
enum ExitWatch {
  private struct Entry {
    weak var queue: OpenCLQueue?
  }
  private static let queues = Lock<[Entry]>([])
  private static let exiting = Atomic(false)
  /// Programs that threads compile at this moment.
  private static let compilations = Atomic(0)
  /// The process that registered the handler; a forked child has none of the driver's threads.
  private static let process = Atomic<Int32>(0)

  /// Whether the process is ending, so that nothing may be enqueued.
  static var isExiting: Bool { exiting.load(ordering: .relaxed) }

  /// What threads get that go on meanwhile.
  static var failure: TernError { TernError(.deviceFailure, "the process is exiting: its devices take no more work") }

  /// Has the queue emptied at exit.
  static func add(_ queue: OpenCLQueue) {
    queues.withLock { queues in
      queues.removeAll { $0.queue == nil }
      queues.append(Entry(queue: queue))
    }
    arm()
  }

  /// Runs the driver's compiler, which the end of the process waits for; nil when the process is ending already.
  static func compiling<Result>(_ body: () -> Result) -> Result? {
    // Counted before asking: either `finish` sees the count or this sees that the process is ending.
    compilations.add(1, ordering: .sequentiallyConsistent)
    defer { compilations.subtract(1, ordering: .sequentiallyConsistent) }
    guard !exiting.load(ordering: .sequentiallyConsistent) else { return nil }
    defer { arm() }
    return body()
  }

  /// Puts the handler before all that have been registered so far.
  static func arm() {
    process.store(getpid(), ordering: .relaxed)
    atexit { ExitWatch.finish() }
  }

  /// Shuts all queues and waits until they are empty and compilations have ended; does nothing the second time.
  static func finish() {
    guard process.load(ordering: .relaxed) == getpid() else { return }
    guard !exiting.exchange(true, ordering: .sequentiallyConsistent) else { return }
    let open = patiently { queues.withLockIfAvailable { $0.compactMap(\.queue) } }
    for queue in open ?? [] { queue.finishAtExit() }
    _ = patiently { compilations.load(ordering: .sequentiallyConsistent) == 0 ? () : nil }
  }

  /// Tries for 5 seconds: the lock's holder may compile a kernel, be the thread that exits, or never run again.
  static func patiently<Result>(_ attempt: () -> Result?) -> Result? {
    for _ in 0..<5000 {
      if let result = attempt() { return result }
      usleep(1000)
    }
    return nil
  }
}
