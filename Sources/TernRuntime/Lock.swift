// SPDX-License-Identifier: MIT
import Foundation
import Synchronization

#if TERN_PTHREAD_LOCKS
  /// `Mutex` on top of a lock of the system's thread library, which ThreadSanitizer knows; see the other declaration.
  ///
  /// Sendable: the value is touched by the holder of the lock only.
  package struct Lock<Value>: ~Copyable, @unchecked Sendable {
    private let handle = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

    package init(_ initial: consuming sending Value) {
      pthread_mutex_init(handle, nil)
      value.initialize(to: initial)
    }

    deinit {
      pthread_mutex_destroy(handle)
      handle.deallocate()
      value.deinitialize(count: 1)
      value.deallocate()
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      pthread_mutex_lock(handle)
      defer { pthread_mutex_unlock(handle) }
      return try body(&value.pointee)
    }

    package borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result? {
      guard pthread_mutex_trylock(handle) == 0 else { return nil }
      defer { pthread_mutex_unlock(handle) }
      return try body(&value.pointee)
    }
  }
#else
  /// A value that one thread at a time may touch.
  ///
  /// It is the standard library's `Mutex`. ThreadSanitizer does not see that one work, because it is a futex inside of
  /// a library that is not instrumented, and takes everything it guards for a race; `make sanitize` has it replaced.
  package typealias Lock<Value> = Mutex<Value>
#endif
