// SPDX-License-Identifier: MIT

extension Device {
  /// Records what the device does while `body` runs: each kernel, library routine and transfer with its times, and the
  /// spans of `span(_:_:)`.
  ///
  /// Ends with a wait for the device, so that all work given to it in `body` is in the trace. Pointwise operations that
  /// nobody has asked for yet are no work: read their values, or evaluate them. An OpenCL device takes commands in
  /// through a second queue meanwhile, which costs a microsecond or so for each; without a trace there is no cost.
  ///
  /// - Parameter limit: the most events to keep, and the most spans; what comes later is only counted.
  /// - Throws: what `body` throws, and what goes wrong on the device.
  /// - Precondition: no other trace of the device is being made.
  public func trace(limit: Int = Trace.defaultLimit, _ body: () throws -> Void) throws -> Trace {
    let recording = try TraceRecording(of: self, limit: limit)
    do {
      try body()
      try synchronize()
    } catch {
      _ = recording.finish()
      throw error
    }
    return recording.finish()
  }

  /// Runs `body`, and if a trace of the device is being made, notes in it when the host began and ended.
  ///
  ///     for number in 0..<steps { try device.span("step \(number)") { try step() } }
  ///
  /// The host may be done long before the device is: the span says when work was given, the events when it was done.
  ///
  /// - Parameter name: what the trace calls it; not computed without a trace.
  public func span<R>(_ name: @autoclosure () -> String, _ body: () throws -> R) rethrows -> R {
    guard let recorder = backend.tracing.recorder else { return try body() }
    let (name, start) = (name(), TraceRecorder.now())
    defer { recorder.addSpan(name, since: start) }
    return try body()
  }
}

/// Runs `body` and writes a trace of what the device does meanwhile, for Perfetto (ui.perfetto.dev) or
/// chrome://tracing.
///
/// The trace is written even if `body` throws. See `Device.trace(limit:_:)` for what it holds.
///
/// - Parameters:
///   - device: the one to watch.
///   - path: the file to write; that it can be written is looked at before `body` runs.
///   - limit: the most events to keep, and the most spans.
/// - Returns: what `body` gives back.
/// - Throws: `TernError` with code `file` when the file cannot be written, and what `body` and the device throw.
/// - Precondition: no other trace of the device is being made.
public func withTrace<R>(
  of device: Device, to path: String, limit: Int = Trace.defaultLimit, _ body: () throws -> R
) throws -> R {
  try withTrace(of: [device], to: path, limit: limit, body)
}

/// The same for several devices, on one time line.
public func withTrace<R>(
  of devices: [Device], to path: String, limit: Int = Trace.defaultLimit, _ body: () throws -> R
) throws -> R {
  try AtomicFile.checkWritable(path)
  let recordings = try TraceRecording.begin(devices, limit: limit)
  let result = Result {
    let value = try body()
    for device in devices { try device.synchronize() }
    return value
  }
  let traces = recordings.map { $0.finish() }
  for trace in traces where trace.missingCount > 0 {
    warnOnce("\(path): \(trace.missingCount) events of \(trace.device) are missing, after the first \(limit)")
  }
  do {
    try Trace.write(traces, to: path)
  } catch {
    if case .success = result { throw error }
    warnOnce("\(error)")  // what failed first is thrown
  }
  return try result.get()
}

/// A trace that is being made.
private struct TraceRecording {
  let device: Device
  let recorder: TraceRecorder

  init(of device: Device, limit: Int) throws {
    require(limit > 0, "trace: the limit must be positive, got \(limit)")
    self.device = device
    recorder = TraceRecorder(limit: limit)
    require(device.backend.tracing.take(recorder), "trace: another trace of \(device) is being made already")
    do {
      try device.backend.beginTrace(recorder)
    } catch {
      device.backend.tracing.clear()
      throw error
    }
  }

  /// One for each device, or none if one of them fails.
  static func begin(_ devices: [Device], limit: Int) throws -> [TraceRecording] {
    var recordings: [TraceRecording] = []
    do {
      for device in devices { recordings.append(try TraceRecording(of: device, limit: limit)) }
    } catch {
      for recording in recordings { _ = recording.finish() }
      throw error
    }
    return recordings
  }

  func finish() -> Trace {
    device.backend.endTrace(recorder)
    device.backend.tracing.clear()
    return recorder.trace(of: device)
  }
}
