// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// Answers requests until they end: a line `CASE SECONDS` with one JSON object. This lets a script alternate short
/// bursts of ours with those of another library.
struct Server {
  let device: Device
  var nextLine: () -> String? = { readLine() }
  var send: (Data) throws -> Void = writeToStandardOutput

  func run() throws {
    try send(Data("{\"ready\":\"tern\"}\n".utf8))
    // Only the case asked for last is kept: its inputs may fill much of the device.
    var current: (name: String, subject: Subject)?
    while let line = nextLine() {
      let words = line.split(separator: " ")
      guard let name = words.first.map(String.init) else { continue }
      if name != current?.name { current = nil }
      let seconds = words.dropFirst().first.flatMap { Double($0) } ?? 0.2
      try send(answer(name, seconds: seconds, &current).line())
    }
  }

  private func answer(_ name: String, seconds: Double, _ current: inout (name: String, subject: Subject)?) -> Outcome {
    guard let benchmark = Case.named(name) else { return Outcome(unknown: name, device: device) }
    do {
      let subject = try current?.subject ?? Subject(benchmark, on: device)
      current = (name, subject)
      subject.restart()
      try subject.burst(seconds: seconds, atLeast: 2)
      return Outcome(benchmark, device: device, times: subject.times)
    } catch {
      writeToStandardError("\(name): \(reason(of: error))\n")
      current = nil
      return Outcome(benchmark, device: device, times: [])
    }
  }
}
