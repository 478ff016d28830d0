// SPDX-License-Identifier: MIT
import ArgumentParser
import Foundation
import Tern
import TernRuntime

/// Times every case on the CPU and on each OpenCL device.
@main
struct TernBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tern-bench",
    abstract: "Times Tern's operations and training steps, device against device.",
    discussion: """
      Without options every case runs on the CPU and on each OpenCL device, in short bursts that take turns, and a \
      table of the best rates follows, with the share of what a loop of multiply-adds or a copy reaches on the device. \
      Rates of different runs do not compare: a machine's speed drifts.
      """)

  @Option(
    parsing: .singleValue, help: "A device to run on: cpu, opencl or opencl:N. May be repeated; default: all of them.")
  var device: [String] = []

  @Option(help: "Only cases whose name contains one of these, separated by commas.")
  var only = ""

  @Option(help: "Seconds to measure each case on each device.")
  var seconds = 1.0

  @Option(help: "Threads of the CPU device; default: TERN_THREADS or the number of cores.")
  var threads: Int?

  @Option(help: "Append one JSON object for each case and device to this file.")
  var json: String?

  @Option(help: "Write the results as one page with charts to this file.")
  var html: String?

  @Option(help: "Other libraries' timings to draw beside ours: a file of such JSON objects.")
  var peers: String?

  @Option(
    help: ArgumentHelp(
      "Write what the devices do to this file, for ui.perfetto.dev or chrome://tracing; times are a bit longer then.",
      valueName: "FILE"))
  var trace: String?

  @Flag(help: "Print the names of the cases.")
  var list = false

  @Flag(help: "Answer lines \"CASE SECONDS\" on standard input with one JSON object each.")
  var serve = false

  func validate() throws {
    guard seconds > 0 else { throw ValidationError("--seconds must be positive, got \(seconds)") }
    if peers != nil && html == nil { throw ValidationError("--peers is drawn in the page that --html FILE names") }
    if trace != nil && serve { throw ValidationError("--trace takes whole runs, not those of --serve") }
    if let threads, !Doctor.threadCounts.contains(threads) {
      throw ValidationError("--threads must be from 1 to \(Doctor.threadCounts.upperBound), got \(threads)")
    }
    for part in only.split(separator: ",") where !Case.all.contains(where: { $0.name.contains(part) }) {
      throw ValidationError("--only: no case's name contains '\(part)'; --list prints the names")
    }
    let files = [json, html, peers, trace].compactMap { $0 }
    for (index, file) in files.enumerated() where files[..<index].contains(where: { isSameFile($0, file) }) {
      throw ValidationError("two options name the same file, \(file): give each one of its own")
    }
  }

  func run() throws {
    openMissingStandardStreams()
    // The pool of threads reads this when the first operation runs, which is later.
    if let threads { setenv("TERN_THREADS", String(threads), 1) }
    do {
      try Doctor.checkSettings()
      let cases = Case.all.filter { $0.matches(only) }
      if list { return try printResult(cases.map(\.name).joined(separator: "\n")) }
      if serve { return try Server(device: device.first.map(Device.named) ?? .default).run() }
      let devices = try device.isEmpty ? Device.all : device.map(Device.named)
      guard let trace else { return try report(cases, on: devices) }
      try withTrace(of: devices, to: trace) { try report(cases, on: devices) }
    } catch let error as TernError {
      writeToStandardError("tern-bench: \(error.oneLine)\n")
      throw ExitCode.failure
    }
  }

  private func report(_ cases: [Case], on devices: [Device]) throws {
    let peers = try peers.map(Outcome.readAll) ?? []
    let journal = try json.map(AppendedFile.init)
    if let html { try AtomicFile.checkWritable(html) }
    let progress = Progress(total: cases.count)
    var results = Results(on: devices)
    results.peers = peers
    for (number, benchmark) in cases.enumerated() {
      if number > 0 && number % 8 == 0 { results.probeAgain() }
      progress.begin(benchmark)
      let row = Row(benchmark, outcomes: measure(benchmark, on: devices, seconds: seconds))
      for outcome in row.outcomes { try journal?.append(outcome.line()) }
      progress.end(row)
      results.rows.append(row)
    }
    results.probeAgain()
    try printResult(table(results))
    if let html { try writeReport(results, to: html) }
  }
}
