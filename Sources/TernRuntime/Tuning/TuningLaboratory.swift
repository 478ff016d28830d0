// SPDX-License-Identifier: MIT
import Foundation

/// Where candidates run: the tuner's worker, or what a test puts in its place.
protocol TuningLaboratory: AnyObject {
  /// - Throws: `TuningLoss` when the worker was lost over the request, `TernError` when it says that something failed.
  func ask(_ request: TuningRequest) throws -> TuningReply
  /// Goes on with a new worker: a candidate that misbehaved may have overwritten what others need.
  func renew()
}

/// A worker that did not answer. The next request starts a new one.
struct TuningLoss: Error, Equatable {
  let reason: String
  /// The algorithm that was running, where the worker had said so.
  let running: String?
}

/// The worker as a child process, started when it is needed and again when it has been lost.
package final class TuningProcess: TuningLaboratory {
  private let arguments: [String]
  private let patience: Double
  private var child: Child?

  /// - Parameters:
  ///   - arguments: what makes this executable a worker.
  ///   - patience: seconds without a word after which a worker counts as hanging.
  package init(arguments: [String], patience: Double) {
    self.arguments = arguments
    self.patience = patience
    signal(SIGPIPE, SIG_IGN)  // a worker that ended is noticed by what the write returns
  }

  deinit { stop() }

  func renew() { stop() }

  /// Ends the worker, whatever it is doing.
  package func stop() {
    child?.end()
    child = nil
  }

  func ask(_ request: TuningRequest) throws -> TuningReply {
    let child = try child ?? Child(arguments)
    self.child = child
    var running: String?
    func lost(_ reason: String) -> TuningLoss {
      child.end()
      self.child = nil
      return TuningLoss(reason: reason, running: running)
    }
    let line = try JSONEncoder().encode(request) + [UInt8(ascii: "\n")]
    guard (try? child.input.write(contentsOf: line)) != nil else { throw lost(child.ending) }
    while true {
      switch child.nextLine(within: patience) {
      case .interrupted: throw CancellationError()
      case .silence: throw lost("hangs: no answer in \(Int(patience.rounded(.up))) s")
      case .end: throw lost(child.ending)
      case .line(let data):
        guard let reply = try? JSONDecoder().decode(TuningReply.self, from: data) else { throw lost("says nonsense") }
        if let failure = reply.failure {
          throw TernError(TernError.Code(rawValue: failure.code) ?? .deviceFailure, failure.message)
        }
        if !reply.isNote { return reply }
        running = reply.running
      }
    }
  }
}

/// One worker process.
private final class Child {
  enum Line {
    case line(Data)
    case end, silence, interrupted
  }

  let input: FileHandle
  private let output: FileHandle
  private let process = Process()
  private var received = Data()

  init(_ arguments: [String]) throws {
    let (requests, replies) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    // What forces an algorithm would leave nothing to measure; a backtrace of a driver's crash helps nobody.
    var environment = ProcessInfo.processInfo.environment
    for name in ["TERN_GEMM", "TERN_CONV"] { environment[name] = nil }
    environment["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = environment
    process.standardInput = requests
    process.standardOutput = replies
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw TernError(.deviceFailure, "the tuner's worker cannot be started", cause: "\(error)")
    }
    input = requests.fileHandleForWriting
    output = replies.fileHandleForReading
  }

  /// How the process ended, in words; for one whose output has ended.
  var ending: String {
    process.waitUntilExit()
    return process.terminationReason == .uncaughtSignal
      ? "crashed: \(String(cString: strsignal(process.terminationStatus)))"
      : "ended with exit code \(process.terminationStatus)"
  }

  func end() {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }

  func nextLine(within seconds: Double) -> Line {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      if let place = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = received[..<place]
        received = Data(received[(place + 1)...])
        return .line(Data(line))
      }
      if Tuning.isInterrupted { return .interrupted }
      var descriptor = pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&descriptor, 1, 100)
      if ready > 0 {
        let data = output.availableData
        if data.isEmpty { return .end }
        received += data
      } else if ContinuousClock.now > end {
        return .silence
      }
    }
  }
}
