// SPDX-License-Identifier: MIT
import COpenCL

/// The commands of a queue while a trace is being made: keeps their events until they are done, then hands their times
/// to the recorder.
///
/// The queue waits for markers, so no more than some thousand events are open at any time. The queue's lock guards it.
struct LaunchTrace: Sendable {
  private struct Open {
    let command: TraceCommand
    let event: OpenCLObject
    /// Ended when the command's first part could begin.
    let first: OpenCLObject?
  }
  /// Open events at which those that are done are looked for.
  private static let batch = 512

  private let recorder: TraceRecorder
  private let queue: OpenCLObject
  private let functions: OpenCLFunctions
  private var open: [Open] = []
  private var room: Int
  private var nextBatch = Self.batch
  private var clock = DeviceClock()

  /// - Parameter queue: an empty one that takes times.
  init(_ recorder: TraceRecorder, queue: OpenCLObject, functions: OpenCLFunctions) {
    self.recorder = recorder
    self.queue = queue
    self.functions = functions
    room = recorder.limit
    readClock()
  }

  /// Whether the next command is to be appended; if not, it is counted as missing.
  mutating func hasRoom() -> Bool {
    if room > 0 { return true }
    recorder.miss()
    return false
  }

  /// The event of a new command that does nothing.
  func marker() -> OpenCLObject? {
    var event: cl_event?
    let status = functions.table.pointee.clEnqueueMarkerWithWaitList(queue.pointer, 0, nil, &event)
    return status == CL_SUCCESS ? event.map(OpenCLObject.init) : nil
  }

  /// Takes in a command with its event, which is null if it was not enqueued.
  ///
  /// - Parameters:
  ///   - first: a marker before the command, which now belongs to the trace.
  ///   - isShared: whether the event belongs to somebody else, too.
  mutating func append(_ command: TraceCommand, _ event: cl_event?, after first: OpenCLObject?, isShared: Bool) {
    guard let event, !isShared || functions.table.pointee.clRetainEvent(event) == CL_SUCCESS else {
      if let first { release(first) }
      if event != nil { recorder.miss() }
      return
    }
    room -= 1
    open.append(Open(command: command, event: OpenCLObject(event), first: first))
    if open.count >= nextBatch {
      collect()
      nextBatch = open.count + Self.batch
    }
  }

  /// Hands over the times of commands that are done. They end in the order of the queue.
  mutating func collect() {
    let done = open.firstIndex { !isDone($0.event) } ?? open.count
    handOver(done)
  }

  /// Hands over the rest, and brings all times to the host's clock. The queue must be empty.
  mutating func finish() {
    handOver(open.count)
    readClock()
    if clock.isUnknown, let first = recorder.firstQueued { clock.assume(first, at: recorder.begin) }
    recorder.translate(clock.host)
  }

  private mutating func handOver(_ count: Int) {
    for entry in open[..<count] {
      if let times = times(entry.event) {
        let started = entry.first.flatMap(self.times)?.ended ?? times.started
        // Drivers differ in what they call submitted, and may leave it out.
        let start = min(started, times.ended)
        let queued = min(times.queued, start)
        recorder.add(
          entry.command, queued: queued, submitted: min(max(times.submitted, queued), start), started: start,
          ended: times.ended)
      } else {
        recorder.miss()
      }
      release(entry.event)
      if let first = entry.first { release(first) }
    }
    open.removeFirst(count)
    nextBatch = open.count + Self.batch
  }

  // MARK: Events

  private func release(_ event: OpenCLObject) { _ = functions.table.pointee.clReleaseEvent(event.pointer) }

  private func isDone(_ event: OpenCLObject) -> Bool {
    var state = CL_QUEUED
    let status = functions.table.pointee.clGetEventInfo(
      event.pointer, cl_event_info(CL_EVENT_COMMAND_EXECUTION_STATUS), MemoryLayout<cl_int>.size, &state, nil)
    return status != CL_SUCCESS || state <= CL_COMPLETE  // negative for a command that failed
  }

  /// By the device's clock; nil where the driver does not tell.
  private func times(_ event: OpenCLObject) -> DeviceClock.Times? {
    func time(_ parameter: cl_int) -> Int? {
      var time: cl_ulong = 0
      let status = functions.table.pointee.clGetEventProfilingInfo(
        event.pointer, cl_profiling_info(parameter), MemoryLayout<cl_ulong>.size, &time, nil)
      return status == CL_SUCCESS ? Int(exactly: time) : nil
    }
    guard let queued = time(CL_PROFILING_COMMAND_QUEUED), let submitted = time(CL_PROFILING_COMMAND_SUBMIT),
      let started = time(CL_PROFILING_COMMAND_START), let ended = time(CL_PROFILING_COMMAND_END)
    else { return nil }
    return DeviceClock.Times(queued: queued, submitted: submitted, started: started, ended: ended)
  }

  /// Sets the device's clock against the host's with commands that do nothing.
  private mutating func readClock() {
    let cl = functions.table.pointee
    var clock = clock
    clock.compare { () -> DeviceClock.Times? in
      guard let marker = marker() else { return nil }
      defer { release(marker) }
      return cl.clFinish(queue.pointer) == CL_SUCCESS ? times(marker) : nil
    }
    self.clock = clock
  }
}
