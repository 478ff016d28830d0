// SPDX-License-Identifier: MIT
import ArgumentParser
import Conformance
import Foundation
import TernRuntime

/// Computes golden cases in another process, which is replaced when a case ends it: a mistake in one operation must not
/// cost the cases of the others.
struct GoldenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "golden", abstract: "Computes golden cases.",
    discussion: """
      Reads ID/NAME.npy or ID.npz of each case of the index and writes OUT/ID/NAME.npy for every result, or the \
      reason in OUT/ID/unsupported.txt. Failures go to standard error; the exit code is 1 if there were any. At the \
      end it says how many OpenCL programs the cases took: 60 serve all operations, for shapes and most attributes are \
      arguments of kernels. More come from a kernel that is specialized without need.
      """)

  @OptionGroup var options: GoldenOptions
  @Option(help: ArgumentHelp("How long a case may take before it counts as hanging.", valueName: "seconds"))
  var patience: Double = 180
  @Option(help: ArgumentHelp("How many OpenCL programs are too many: the exit code is 1 then.", valueName: "count"))
  var programLimit: Int?

  func validate() throws {
    guard patience > 0 else { throw ValidationError("--patience must be positive, got \(patience)") }
  }

  func run() throws {
    let cases = try options.readIndex().cases
    try options.makeOutputFolder()
    var worker: WorkerProcess?
    defer { worker?.end() }
    var (answered, unsupported, failed) = (0, 0, 0)
    // Of workers that ended, and of the present one.
    var (former, programs) = (ProgramCount(), ProgramCount())
    for (position, entry) in cases.enumerated() {
      let present: WorkerProcess
      if let worker {
        present = worker
      } else {
        present = try WorkerProcess(["golden-worker"] + options.arguments)
        (former, programs) = (former + programs, ProgramCount())
      }
      worker = present
      let reply = present.ask("\(position)", patience: patience).flatMap(GoldenReply.init(line:))
      programs = reply?.programs ?? programs
      switch reply?.fate {
      case .answered: answered += 1
      case .unsupported: unsupported += 1
      case .cannotStart(let reason):
        throw TernError(.noDevice, reason, remedy: "name another device with --device")
      case .failed(let reason):
        failed += 1
        report(entry, reason)
        present.end()
        worker = nil
      case nil:
        failed += 1
        present.end()
        report(entry, present.ending)
        worker = nil
      }
    }
    programs = former + programs
    if programs.all > 0 { writeToStandardError("\(programs.all) OpenCL programs, \(programs.built) compiled now\n") }
    writeToStandardError("\(cases.count) cases: \(answered) answered, \(unsupported) unsupported, \(failed) failed\n")
    if failed > 0 { throw ExitCode.failure }
    if let programLimit, programs.all > programLimit {
      throw TernError(
        .deviceFailure, "\(programs.all) OpenCL programs are more than \(programLimit)",
        remedy: "look for a kernel that is specialized on what could be an argument")
    }
  }

  private func report(_ entry: GoldenIndex.Entry, _ reason: String) {
    writeToStandardError("tern-conformance: \(entry.id): \(reason)\n")
  }
}

/// Where the cases are, and where to compute them.
struct GoldenOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The cases' list.", valueName: "file"))
  var index: String
  @Option(name: .customLong("in"), help: ArgumentHelp("The folder with the cases' inputs.", valueName: "folder"))
  var inputs: String
  @Option(name: .customLong("out"), help: ArgumentHelp("The folder for results.", valueName: "folder"))
  var outputs: String
  @Option(help: ArgumentHelp("Where to compute; by default as everywhere in Tern.", valueName: "cpu|opencl[:N]"))
  var device: String?

  /// The options as they were given.
  var arguments: [String] {
    ["--index", index, "--in", inputs, "--out", outputs] + (device.map { ["--device", $0] } ?? [])
  }

  func readIndex() throws -> GoldenIndex {
    do {
      return try GoldenIndex(contentsOf: URL(fileURLWithPath: index))
    } catch {
      throw TernError(
        .format, "\(index) cannot be read as a list of cases", remedy: "name the index.json of a set of cases",
        cause: reason(of: error))
    }
  }

  func makeOutputFolder() throws {
    do {
      try FileManager.default.createDirectory(atPath: outputs, withIntermediateDirectories: true)
    } catch {
      throw TernError(.file, "\(outputs) cannot be made", remedy: "name another folder", cause: reason(of: error))
    }
  }
}
