// SPDX-License-Identifier: MIT
import Foundation

/// The one thread on which Oclgrind works.
///
/// Its checker for uninitialized memory keeps its state in thread-local storage that only the thread which created the
/// context has, so a program that enqueues from several threads crashes in it. Oclgrind executes commands inside
/// `clFinish`; creating contexts and finishing on one thread, and never releasing a context, keeps it whole.
///
/// Sendable: `work` is written and read between the signals of the two semaphores only, by one caller at a time.
final class SimulatorThread: @unchecked Sendable {
  static let shared = SimulatorThread()

  private let callers = NSLock()
  private let ready = DispatchSemaphore(value: 0)
  private let done = DispatchSemaphore(value: 0)
  private var work: (() -> Void)?

  private init() {
    let thread = Thread { [self] in
      while true {
        ready.wait()
        work?()
        done.signal()
      }
    }
    thread.stackSize = 64 << 20
    thread.start()
  }

  /// Calls `body` on the thread and waits for it.
  func run(_ body: () -> Void) {
    callers.withLock {
      withoutActuallyEscaping(body) { escapable in
        work = escapable
        ready.signal()
        done.wait()
        work = nil
      }
    }
  }
}
