// SPDX-License-Identifier: MIT
import Foundation

/// Writes all of some bytes to a descriptor, whatever pieces the system takes them in.
///
/// - Parameter signals: what a failing write may send; blocked meanwhile, so that the failure comes back as a code
///   (EFBIG, EPIPE) and does not end the process.
/// - Returns: 0, or the `errno` of the write that failed.
func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, withoutSignals signals: [Int32] = [SIGXFSZ, SIGPIPE]
) -> Int32 {
  withBlocked(signals) {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      // Some systems refuse writes above 2 GiB.
      let written = write(descriptor, start, min(rest.count, 1 << 30))
      if written < 0 {
        let code = errno
        if code == EINTR { continue }
        guard code == EAGAIN else { return code }
        // Whoever shares the descriptor has made it one that does not wait.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, -1)
        continue
      }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
    return 0
  }
}

/// Runs a write with signals blocked on this thread, to which the system sends them, and takes back those it caused.
private func withBlocked<R>(_ signals: [Int32], _ body: () -> R) -> R {
  var blocked = sigset_t()
  var before = sigset_t()
  sigemptyset(&blocked)
  for signal in signals { sigaddset(&blocked, signal) }
  pthread_sigmask(SIG_BLOCK, &blocked, &before)
  defer {
    for signal in signals where sigismember(&before, signal) == 0 {
      var one = sigset_t()
      var none = timespec()
      sigemptyset(&one)
      sigaddset(&one, signal)
      while sigtimedwait(&one, nil, &none) == signal {}  // the signal of the failed write, if any
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
  return body()
}
