// SPDX-License-Identifier: MIT

/// What a device must be able to do so that traces of it can be made.
package protocol TracingBackend: AnyObject, Sendable {
  /// Holds the recorder from before `beginTrace` until after `endTrace`.
  var tracing: TraceSlot { get }
  /// Begins to hand commands and their times to the recorder. Nothing is left of commands given earlier.
  func beginTrace(_ recorder: TraceRecorder) throws(TernError)
  /// Waits for the device, hands over what is left, and gives the times by the host's clock.
  func endTrace(_ recorder: TraceRecorder)
}

extension TracingBackend {
  // A device whose calls return when the work is done looks into the slot at each call, and needs nothing else.
  package func beginTrace(_ recorder: TraceRecorder) throws(TernError) {}
  package func endTrace(_ recorder: TraceRecorder) {}
}
