// SPDX-License-Identifier: MIT
import Foundation

extension Trace {
  /// Writes the trace as a file that Perfetto (ui.perfetto.dev) and chrome://tracing open.
  ///
  /// The format is the Trace Event Format: JSON with one complete event (`"ph": "X"`) for each event and span. A file
  /// that is there already is replaced when the new one is complete.
  ///
  /// - Throws: `TernError` with code `file`.
  public func write(to path: String) throws { try Self.write([self], to: path) }

  /// Writes traces of several devices on one time line.
  public static func write(_ traces: [Trace], to path: String) throws {
    let file = try AtomicFile(path: path)
    var text = TraceText(origin: traces.map(\.origin).min() ?? 0) { bytes in try file.write(bytes) }
    try text.append(traces)
    try file.commit()
  }
}

/// The text of a trace, handed on piece by piece, because that of a long run is large.
private struct TraceText {
  private static let pieceSize = 1 << 16

  /// On the host's clock, what becomes 0.
  let origin: Int
  let write: (UnsafeRawBufferPointer) throws -> Void
  private var piece: [UInt8] = []
  private var isFirst = true

  init(origin: Int, write: @escaping (UnsafeRawBufferPointer) throws -> Void) {
    self.origin = origin
    self.write = write
  }

  mutating func append(_ traces: [Trace]) throws {
    let missing = traces.reduce(0) { $0 + $1.missingCount }
    add("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"missing\":\(missing)},\"traceEvents\":[\n")
    for (index, trace) in traces.enumerated() { try append(trace, process: index + 1) }
    add("\n]}\n")
    try flush(atLeast: 1)
  }

  /// A device is a process: its queue is thread 1, and the host's threads follow. On the CPU they are one, since there
  /// a span holds the operations of its thread.
  private mutating func append(_ trace: Trace, process: Int) throws {
    let isCPU = trace.device == "cpu"
    let firstHost = isCPU ? 1 : 2
    try label("process_name", "name", quoted("\(trace.device) (\(trace.deviceName))"), process: process, thread: 1)
    try label("process_sort_index", "sort_index", "\(process)", process: process, thread: 1)
    if !isCPU { try label("thread_name", "name", "\"queue\"", process: process, thread: 1) }
    let threads = Set(trace.spans.map(\.thread) + (isCPU ? trace.events.map(\.thread) : []))
    for thread in threads.sorted() {
      try label("thread_name", "name", "\"host \(thread)\"", process: process, thread: firstHost + thread)
    }
    let shift = trace.origin - origin
    for span in trace.spans {
      try begin("host", span.name, process: process, thread: firstHost + span.thread)
      add(times(shift + span.started, shift + span.ended))
      add("}")
    }
    // Texts of what events share, by description.
    var known: [ObjectIdentifier: (category: String, arguments: String)] = [:]
    for event in trace.events {
      let identity = ObjectIdentifier(event.command)
      let texts = known[identity] ?? (event.kind.rawValue, arguments(event.command.description))
      known[identity] = texts
      try begin(texts.category, event.name, process: process, thread: 1 + event.thread)
      add(times(shift + event.started, shift + event.ended))
      add(",\"args\":{\"waited_us\":\(microseconds(event.started - event.queued))")
      add(",\"queued_us\":\(microseconds(shift + event.queued))")
      add(",\"submitted_us\":\(microseconds(shift + event.submitted))\(texts.arguments)}}")
    }
  }

  private mutating func begin(_ category: String, _ name: String, process: Int, thread: Int) throws {
    try separate()
    add("{\"ph\":\"X\",\"cat\":\"\(category)\",\"name\":\(quoted(name)),\"pid\":\(process),\"tid\":\(thread)")
  }

  /// Tells the viewer something about a process or a thread; `value` is JSON.
  private mutating func label(_ what: String, _ key: String, _ value: String, process: Int, thread: Int) throws {
    try separate()
    add("{\"ph\":\"M\",\"name\":\"\(what)\",\"pid\":\(process),\"tid\":\(thread),\"args\":{\"\(key)\":\(value)}}")
  }

  private func times(_ start: Int, _ end: Int) -> String {
    ",\"ts\":\(microseconds(start)),\"dur\":\(microseconds(end - start))"
  }

  private func arguments(_ command: TraceCommand) -> String {
    var text = ""
    if !command.source.isEmpty { text += ",\"source\":\(quoted(command.source))" }
    if !command.globalSize.isEmpty { text += ",\"global\":\(command.globalSize),\"local\":\(command.localSize)" }
    if command.byteCount > 0 { text += ",\"bytes\":\(command.byteCount)" }
    if command.launches > 1 { text += ",\"launches\":\(command.launches)" }
    return text
  }

  /// Microseconds with all three decimals.
  private func microseconds(_ nanoseconds: Int) -> String {
    let (whole, part) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
    let decimals = String(1000 + part).dropFirst()
    return "\(nanoseconds < 0 ? "-" : "")\(whole).\(decimals)"
  }

  /// A string of JSON.
  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<" ": result += "\\u" + String(0x10000 + Int(scalar.value), radix: 16).dropFirst()
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  // MARK: Pieces

  private mutating func separate() throws {
    if !isFirst { add(",\n") }
    isFirst = false
    try flush(atLeast: Self.pieceSize)
  }

  private mutating func add(_ text: String) { piece.append(contentsOf: text.utf8) }

  private mutating func flush(atLeast count: Int) throws {
    guard piece.count >= count else { return }
    try piece.withUnsafeBytes(write)
    piece.removeAll(keepingCapacity: true)
  }
}
