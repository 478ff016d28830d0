// SPDX-License-Identifier: MIT
import Foundation
import Synchronization

/// Takes in what a device and the host do while a trace is being made, up to a limit.
package final class TraceRecorder: Sendable {
  fileprivate struct State {
    var commands: [TraceCommand: Trace.Command] = [:]
    var events: [Trace.Event] = []
    var spans: [Trace.Span] = []
    var missing = 0
    /// The host's threads, numbered as they come.
    var threads: [pthread_t: Int] = [:]

    mutating func thread() -> Int {
      let current = pthread_self()
      if let number = threads[current] { return number }
      threads[current] = threads.count
      return threads.count - 1
    }
  }

  /// The most events, and the most spans.
  package let limit: Int
  let begin = TraceRecorder.now()
  private let state = Lock(State())

  package init(limit: Int) { self.limit = limit }

  /// Nanoseconds of a clock that only goes forward.
  package static func now() -> Int { Int(DispatchTime.now().uptimeNanoseconds) }

  /// A command of a queue, by the device's clock; `end` translates.
  func add(_ command: TraceCommand, queued: Int, submitted: Int, started: Int, ended: Int) {
    state.withLock { state in
      state.append(command, (queued, submitted, started, ended), thread: 0, limit: limit)
    }
  }

  /// What this thread of the host did from `start` until now, by the host's clock.
  func add(_ command: TraceCommand, since start: Int) {
    let end = Self.now()
    state.withLock { state in
      let thread = state.thread()
      state.append(command, (start, start, start, end), thread: thread, limit: limit)
    }
  }

  func addSpan(_ name: String, since start: Int) {
    let end = Self.now()
    state.withLock { state in
      let span = Trace.Span(name: name, started: start, ended: end, thread: state.thread())
      if state.spans.count < limit { state.spans.append(span) } else { state.missing += 1 }
    }
  }

  /// Counts commands that are left out.
  func miss(_ count: Int = 1) { state.withLock { $0.missing += count } }

  /// Brings the times of events from the device's clock to the host's.
  func translate(_ time: (Int) -> Int) {
    state.withLock { state in
      for index in state.events.indices {
        state.events[index].queued = time(state.events[index].queued)
        state.events[index].submitted = time(state.events[index].submitted)
        state.events[index].started = time(state.events[index].started)
        state.events[index].ended = time(state.events[index].ended)
      }
    }
  }

  /// When the first command was given to the queue, by the clock of the events.
  var firstQueued: Int? { state.withLock { $0.events.first?.queued } }

  /// All that was taken in. What comes later is lost.
  func trace(of device: Device) -> Trace {
    let end = Self.now()
    var state = state.withLock { state in
      defer { state = State() }
      return state
    }
    for index in state.events.indices { state.events[index].shift(by: -begin) }
    for index in state.spans.indices {
      state.spans[index].started -= begin
      state.spans[index].ended -= begin
    }
    state.events.sort { ($0.started, $0.ended) < ($1.started, $1.ended) }
    return Trace(
      device: device.description, deviceName: device.name, events: state.events, spans: state.spans,
      missingCount: state.missing, duration: end - begin, origin: begin)
  }
}

extension TraceRecorder.State {
  fileprivate mutating func append(
    _ command: TraceCommand, _ times: (queued: Int, submitted: Int, started: Int, ended: Int), thread: Int, limit: Int
  ) {
    guard events.count < limit else {
      missing += 1
      return
    }
    let shared = commands[command] ?? Trace.Command(command)
    commands[command] = shared
    events.append(
      Trace.Event(
        command: shared, queued: times.queued, submitted: times.submitted, started: times.started, ended: times.ended,
        thread: thread))
  }
}

extension Trace.Event {
  fileprivate mutating func shift(by nanoseconds: Int) {
    queued += nanoseconds
    submitted += nanoseconds
    started += nanoseconds
    ended += nanoseconds
  }
}

/// Where a device finds the recorder while a trace of it is being made.
package final class TraceSlot: Sendable {
  private let isTaken = Atomic(false)
  private let held = Lock<TraceRecorder?>(nil)

  package init() {}

  /// Costs one load of an atomic while there is none.
  var recorder: TraceRecorder? { isTaken.load(ordering: .relaxed) ? held.withLock { $0 } : nil }

  /// Whether the slot was free.
  func take(_ recorder: TraceRecorder) -> Bool {
    held.withLock { held in
      guard held == nil else { return false }
      held = recorder
      isTaken.store(true, ordering: .relaxed)
      return true
    }
  }

  func clear() {
    held.withLock { held in
      held = nil
      isTaken.store(false, ordering: .relaxed)
    }
  }
}
