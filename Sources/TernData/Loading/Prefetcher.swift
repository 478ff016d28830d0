// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// Prepares items ahead of their use on a thread of its own, never more than `depth` of them.
///
/// Letting go of the prefetcher stops the thread and waits for it: it lives no longer than its owner.
final class Prefetcher<Item: Sendable> {
  private let queue: BoundedQueue<Item>
  private var thread: pthread_t

  /// - Parameter produce: makes the next item; called on the prefetcher's thread only, one call at a time. What it
  ///   throws is its last result.
  /// - Throws: `TernError` if the system refuses a thread.
  init(depth: Int, produce: @escaping @Sendable () throws -> Item) throws {
    let queue = BoundedQueue<Item>(capacity: depth)
    self.queue = queue
    let work = Work {
      while true {
        let result = Result { try produce() }
        guard queue.push(result), case .success = result else { return }
      }
    }
    let context = Unmanaged.passRetained(work)
    thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, context.toOpaque())
    guard status == 0 else {
      context.release()
      throw TernError(
        .setting, "cannot start a thread to prepare batches",
        remedy: "raise the limit on threads, or set prefetch to 0",
        cause: String(cString: strerror(status)))
    }
  }

  deinit {
    queue.close()
    pthread_join(thread, nil)
  }

  /// The next item, waiting for it if need be.
  ///
  /// - Throws: what `produce` threw, in its turn, and again at each later call.
  func next() throws -> Item { try queue.pop().get() }
}

/// Carries a closure through the C thread entry.
private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// A first-in, first-out queue between one producer and one consumer; a full queue makes the producer wait.
///
/// Sendable: `items` and `isClosed` are only touched while `condition` is locked.
private final class BoundedQueue<Item: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private let capacity: Int
  private var items: [Result<Item, any Error>] = []
  private var isClosed = false

  init(capacity: Int) { self.capacity = capacity }

  /// Waits for room, then adds a result; false once the queue is closed.
  func push(_ result: Result<Item, any Error>) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while items.count >= capacity && !isClosed { condition.wait() }
    guard !isClosed else { return false }
    items.append(result)
    condition.signal()
    return true
  }

  /// Waits for the oldest result and takes it out; a failure stays, for nothing comes after it.
  func pop() -> Result<Item, any Error> {
    condition.lock()
    defer { condition.unlock() }
    while items.isEmpty { condition.wait() }
    if case .failure = items[0] { return items[0] }
    defer { condition.signal() }
    return items.removeFirst()
  }

  func close() {
    condition.lock()
    isClosed = true
    condition.signal()
    condition.unlock()
  }
}
