// SPDX-License-Identifier: MIT
import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Interrupts (SIGINT) since the last watch began.
private let interruptCount = Atomic<Int>(0)

/// Turns the first Ctrl-C into a request that a loop can see, and leaves the second one to the system, which ends the
/// process at once. Made and dropped by the same thread.
final class InterruptWatch {
  private var before = sigaction()
  private var maskBefore = sigset_t()
  private let isActive: Bool

  /// - Parameter isActive: false makes a watch that never sees anything and leaves signals alone.
  init(isActive: Bool) {
    self.isActive = isActive
    guard isActive else { return }
    interruptCount.store(0, ordering: .sequentiallyConsistent)
    var action = sigaction()
    // Only what is allowed in a signal handler: an atomic, and system calls.
    let handler: @convention(c) (Int32) -> Void = { signalNumber in
      if interruptCount.add(1, ordering: .sequentiallyConsistent).newValue > 1 {
        signal(signalNumber, SIG_DFL)
        kill(getpid(), signalNumber)
      }
    }
    #if canImport(Darwin)
      action.__sigaction_u.__sa_handler = handler
    #else
      action.__sigaction_handler.sa_handler = handler
    #endif
    action.sa_flags = SA_RESTART
    sigaction(SIGINT, &action, &before)
    // A program that was started by a worker thread of another one inherits a mask that blocks nearly everything.
    var unblocked = sigset_t()
    sigemptyset(&unblocked)
    sigaddset(&unblocked, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &unblocked, &maskBefore)
  }

  deinit {
    guard isActive else { return }
    pthread_sigmask(SIG_SETMASK, &maskBefore, nil)
    sigaction(SIGINT, &before, nil)
  }

  var wasInterrupted: Bool { isActive && interruptCount.load(ordering: .relaxed) > 0 }
}
