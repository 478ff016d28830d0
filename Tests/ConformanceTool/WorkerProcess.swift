// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// This program once more, as a child that answers lines with lines.
final class WorkerProcess {
  private let process = Process()
  private let requests = Pipe()
  private let replies = Pipe()
  private var received = Data()
  private var hangs = false

  init(_ arguments: [String]) throws {
    signal(SIGPIPE, SIG_IGN)  // a worker that ended is noticed by what the write returns
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    // A trap has said what was wrong; a backtrace of each would take seconds.
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    process.standardInput = requests
    process.standardOutput = replies
    do {
      try process.run()
    } catch {
      throw TernError(.deviceFailure, "the worker cannot be started", cause: "\(error)")
    }
  }

  /// The answer, or nil if the worker ends or says nothing in that many seconds; `ending` tells then.
  func ask(_ line: String, patience: Double) -> String? {
    // A worker that has ended reads nothing: `ending` tells why.
    guard (try? requests.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))) != nil else { return nil }
    let end = ContinuousClock.now + .seconds(patience)
    while true {
      if let place = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: received[..<place], as: UTF8.self)
        received = Data(received[(place + 1)...])
        return line
      }
      let left = ContinuousClock.now.duration(to: end)
      guard left > .zero else {
        hangs = true
        return nil
      }
      var descriptor = pollfd(fd: replies.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
      if poll(&descriptor, 1, 100) > 0 {
        let data = replies.fileHandleForReading.availableData
        if data.isEmpty { return nil }
        received += data
      }
    }
  }

  /// How the process ended, in words; for one that has.
  var ending: String {
    if hangs { return "hangs" }
    return process.terminationReason == .uncaughtSignal
      ? "crashed: \(String(cString: strsignal(process.terminationStatus)))"
      : "ended with exit code \(process.terminationStatus)"
  }

  /// Ends the process, whatever it is doing: at once if it hangs, else when it has done what it is at.
  func end() {
    try? requests.fileHandleForWriting.close()  // closed or not, the worker is waited for
    if hangs { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }
}
