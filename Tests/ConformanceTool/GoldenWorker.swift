// SPDX-License-Identifier: MIT
import ArgumentParser
import Conformance
import Foundation
import Tern
import TernRuntime

/// What a worker says after a case, as one line.
struct GoldenReply {
  /// OpenCL programs that the worker has obtained so far, and how many of them the driver had to compile.
  var programs = ProgramCount()
  let fate: GoldenFate

  init(_ fate: GoldenFate, on device: Device?) {
    self.fate = fate
    if let statistics = device?.statistics { programs = ProgramCount(statistics) }
  }

  init?(line: String) {
    let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
    guard parts.count == 3, let all = Int(parts[0]), let built = Int(parts[1]), let fate = GoldenFate(line: parts[2])
    else { return nil }
    programs = ProgramCount(all: all, built: built)
    self.fate = fate
  }

  var line: String { "\(programs.all) \(programs.built) \(fate.line)" }
}

/// Programs of OpenCL devices. Each has to be compiled once on a machine, in a tenth of a second to a second.
struct ProgramCount {
  var all = 0
  var built = 0

  init(all: Int = 0, built: Int = 0) {
    self.all = all
    self.built = built
  }

  init(_ statistics: Statistics) {
    self.init(all: statistics.programBuilds + statistics.programLoads, built: statistics.programBuilds)
  }

  static func + (a: ProgramCount, b: ProgramCount) -> ProgramCount {
    ProgramCount(all: a.all + b.all, built: a.built + b.built)
  }
}

/// What became of a case.
enum GoldenFate {
  case answered, unsupported
  case failed(String)
  /// There is no such device.
  case cannotStart(String)

  private static let words = (answered: "answered", unsupported: "unsupported", failed: "failed", start: "cannot-start")

  init?(line: String) {
    let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
    let rest = parts.count > 1 ? parts[1] : ""
    switch parts.first {
    case Self.words.answered: self = .answered
    case Self.words.unsupported: self = .unsupported
    case Self.words.failed: self = .failed(rest)
    case Self.words.start: self = .cannotStart(rest)
    default: return nil
    }
  }

  var line: String {
    switch self {
    case .answered: Self.words.answered
    case .unsupported: Self.words.unsupported
    case .failed(let reason): "\(Self.words.failed) \(reason)"
    case .cannotStart(let reason): "\(Self.words.start) \(reason)"
    }
  }
}

/// Computes the cases whose positions in the index come from standard input, and says of each what became of it.
struct GoldenWorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "golden-worker", shouldDisplay: false)

  @OptionGroup var options: GoldenOptions

  func run() throws {
    // What drivers print must not come between the replies.
    let output = dup(STDOUT_FILENO)
    dup2(STDERR_FILENO, STDOUT_FILENO)
    let replies = FileHandle(fileDescriptor: output)
    func send(_ fate: GoldenFate, on device: Device?) throws {
      try replies.write(contentsOf: Data((GoldenReply(fate, on: device).line + "\n").utf8))
    }
    let cases = try options.readIndex().cases
    let device: Device
    do {
      device = try options.device.map { try Device.named($0) } ?? .default
    } catch {
      return try send(.cannotStart(oneLine(error)), on: nil)
    }
    while let line = readLine(), let position = Int(line) {
      let fate: GoldenFate
      do { fate = try answer(cases[position], on: device) } catch { fate = .failed(oneLine(error)) }
      try send(fate, on: device)
    }
  }

  private func answer(_ entry: GoldenIndex.Entry, on device: Device) throws -> GoldenFate {
    guard Operations.known.contains(entry.op) else { return try refuse(entry, "no operation '\(entry.op)'") }
    // The same numbers whatever ran before.
    RandomGenerator.shared.state = RandomGenerator(seed: 1).state
    let golden = try GoldenCase(entry, inputsIn: URL(fileURLWithPath: options.inputs))
    guard let results = try withDevice(device, { try Operations.run(golden, on: device) }) else {
      return try refuse(entry, "no such variant of '\(entry.op)'")
    }
    // All are read before one is written: half an answer is none.
    let files = try results.mapValues { try $0.npyData() }
    let folder = try folder(of: entry)
    for (name, data) in files { try data.write(to: folder.appending(path: name + ".npy")) }
    return .answered
  }

  private func refuse(_ entry: GoldenIndex.Entry, _ reason: String) throws -> GoldenFate {
    try Data((reason + "\n").utf8).write(to: try folder(of: entry).appending(path: "unsupported.txt"))
    return .unsupported
  }

  private func folder(of entry: GoldenIndex.Entry) throws -> URL {
    let folder = URL(fileURLWithPath: options.outputs).appending(path: entry.id)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private func oneLine(_ error: any Error) -> String {
    (error as? TernError)?.oneLine ?? "\(error)".split(whereSeparator: \.isNewline).joined(separator: " | ")
  }
}
