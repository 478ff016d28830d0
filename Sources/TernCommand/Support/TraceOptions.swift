// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern

/// Whether to write a trace.
struct TraceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write what the device does, kernel by kernel, to this file; ui.perfetto.dev and chrome://tracing show it.",
      discussion: "Holds the first \(Trace.defaultLimit / 1_000_000) million events, which take about 200 MB.",
      valueName: "FILE"))
  var trace: String?

  func validate() throws { try checkPaths(["--trace": trace]) }

  /// Runs `body`, and writes a trace of the devices if one was asked for.
  func traced<R>(_ devices: [Device], _ body: () throws -> R) throws -> R {
    guard let trace else { return try body() }
    return try withTrace(of: devices, to: trace, body)
  }
}
