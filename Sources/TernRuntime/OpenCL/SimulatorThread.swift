// SPDX-License-Identifier: MIT
import Foundation

/// The one thread that talks to Oclgrind.
///
/// Its checker for uninitialized memory keeps its state in thread-local storage that only the thread which created the
/// context has: building a program, writing a buffer or running a kernel from another one crashes in it. Its tables of
/// commands and buffers have no locks either. So a context of the simulator lives on this thread and is never released.
///
/// Sendable: `work` is written and read between the signals of the two semaphores only, by one caller at a time.
final class SimulatorThread: @unchecked Sendable {
  private static let shared = SimulatorThread()
  private static let name = "tern.simulator"

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
    thread.name = Self.name
    thread.stackSize = 64 << 20
    thread.start()
  }

  /// Calls `body`: on the simulator's thread if the device is one, else here.
  static func call<Result>(if isSimulator: Bool, _ body: () -> Result) -> Result {
    guard isSimulator, Thread.current.name != name else { return body() }
    var result: Result?
    shared.run { result = body() }
    return result!
  }

  private func run(_ body: () -> Void) {
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
