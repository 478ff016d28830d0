// SPDX-License-Identifier: MIT
import Foundation

/// The tuner's child process: runs candidates on a device, so that what a driver does to its process does not matter.
package enum TuningWorker {
  /// Answers requests from standard input until it ends. Ends with its parent, too, whatever a driver is doing.
  ///
  /// - Parameter open: opens the device; called when the process has been made a tuner.
  package static func run(open: @escaping () throws -> Device) -> Never {
    Tuning.becomeTuner()
    // Ctrl-C is the tuner's to handle, which then ends this process.
    signal(SIGINT, SIG_IGN)
    endWithParent()
    let output = privateOutput()
    var session = TuningSession(open: open)
    let decoder = JSONDecoder()
    while let line = readLine() {
      guard let request = try? decoder.decode(TuningRequest.self, from: Data(line.utf8)) else { exit(EXIT_FAILURE) }
      send(session.answer(request) { send($0, to: output) }, to: output)
    }
    exit(EXIT_SUCCESS)
  }

  private static func send(_ reply: TuningReply, to output: FileHandle) {
    guard let data = try? JSONEncoder().encode(reply) else { return }
    // The tuner is gone if nobody reads any more.
    do { try output.write(contentsOf: data + [UInt8(ascii: "\n")]) } catch { exit(EXIT_FAILURE) }
  }

  /// Standard output as it came, for the protocol alone: what drivers print goes to standard error from now on.
  private static func privateOutput() -> FileHandle {
    let copy = dup(STDOUT_FILENO)
    dup2(STDERR_FILENO, STDOUT_FILENO)
    return FileHandle(fileDescriptor: copy)
  }

  private static func endWithParent() {
    let parent = getppid()
    Thread.detachNewThread {
      while getppid() == parent { sleep(1) }
      _exit(EXIT_FAILURE)
    }
  }
}

/// Answers to the tuner's requests, in whatever process.
struct TuningSession {
  private let open: () throws -> Device
  private var device: Device?
  private var bench: TuningBench?

  init(open: @escaping () throws -> Device) { self.open = open }

  mutating func answer(_ request: TuningRequest, note: (TuningReply) -> Void) -> TuningReply {
    do {
      let device = try device ?? open()
      self.device = device
      return try answer(request, on: device, note: note)
    } catch {
      return TuningReply(failure: TuningFailure(error))
    }
  }

  private mutating func answer(
    _ request: TuningRequest, on device: Device, note: (TuningReply) -> Void
  ) throws -> TuningReply {
    if request.command == .identify {
      return TuningReply(identity: device.backend.choices.identity, device: "\(device)")
    }
    let bench = try bench(for: request.problem, on: device)
    switch request.command {
    case .identify, .candidates: return TuningReply(candidates: try bench.candidates() ?? [])
    case .verify:
      guard let algorithm = request.algorithms.first else { break }
      return TuningReply(complaint: try bench.complaint(algorithm) ?? "")
    case .time:
      return TuningReply(
        times: try bench.times(request.algorithms, seconds: request.seconds) { note(TuningReply(running: $0)) })
    }
    throw TernError(.setting, "the tuner asked for nothing")
  }

  /// The bench of the last request if it is of the same problem; the operands of another one are freed first.
  private mutating func bench(for text: String, on device: Device) throws -> TuningBench {
    if let bench, bench.problem.description == text { return bench }
    guard let problem = ProblemClass(text) else { throw TernError(.setting, "'\(text)' is no problem") }
    bench = nil
    device.emptyPool()
    let made = try TuningBench(problem, on: device.backend)
    bench = made
    return made
  }
}
