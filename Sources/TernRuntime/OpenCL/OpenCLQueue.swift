// SPDX-License-Identifier: MIT
import COpenCL
import Synchronization

/// The in-order command queue of one device, its sticky error and its counters.
///
/// One lock spans setting a kernel's arguments and enqueueing it, because arguments are state of the kernel object.
/// The first failure is kept; from then on nothing is enqueued, until `takeError` hands the failure out and clears it.
final class OpenCLQueue: Sendable {
  /// Commands between two flushes: small enough that a device never idles while the host prepares the next ones.
  private static let flushPeriod = 16
  /// Commands between two markers, and how many markers may be open before the host waits for the oldest: the host
  /// runs at most about 4,096 commands ahead, so a program that never reads does not pile them up.
  private static let markerPeriod = 1024
  private static let openMarkers = 4

  struct State: Sendable {
    var error: TernError?
    var statistics = Statistics()
    var unflushed = 0
    var unmarked = 0
    var markers: [OpenCLObject] = []
  }

  let functions: OpenCLFunctions
  let queue: OpenCLObject
  /// Whether each command is waited for, on the simulator's thread.
  let isSimulator: Bool
  private let state = Mutex(State())

  init(_ queue: OpenCLObject, isSimulator: Bool, functions: OpenCLFunctions) {
    self.queue = queue
    self.isSimulator = isSimulator
    self.functions = functions
    if !isSimulator { ExitWatch.add(self) }  // a simulator's commands are complete when they have been submitted
  }

  deinit {
    let cl = functions.table.pointee
    SimulatorThread.call(if: isSimulator) {
      _ = cl.clFinish(queue.pointer)
      state.withLock { state in
        for marker in state.markers { _ = cl.clReleaseEvent(marker.pointer) }
      }
      _ = cl.clReleaseCommandQueue(queue.pointer)
    }
  }

  var statistics: Statistics { state.withLock { $0.statistics } }
  func count(_ change: (inout Statistics) -> Void) { state.withLock { change(&$0.statistics) } }

  /// Whether a failure is waiting to be thrown.
  var hasFailed: Bool { state.withLock { $0.error != nil } }

  /// Keeps a failure, unless an earlier one is still there: later ones are its consequences.
  func fail(_ error: TernError) {
    state.withLock { if $0.error == nil { $0.error = error } }
  }

  /// The failure that was kept, if any, which is then forgotten.
  func takeError() -> TernError? {
    state.withLock { state in
      defer { state.error = nil }
      return state.error
    }
  }

  /// Calls `body`, which enqueues commands, with the lock held; does nothing after a failure.
  ///
  /// - Parameters:
  ///   - commands: how many commands it enqueues, for the flush policy.
  ///   - isFirstLaunch: whether it launches a kernel for the first time. Then it is waited for, because the driver may
  ///     compile it now on a thread of its own; see `ExitWatch`.
  /// - Returns: false when nothing was enqueued.
  @discardableResult
  func submit(
    commands: Int = 1, isFirstLaunch: Bool = false, _ body: (cl_command_queue, inout Statistics) -> TernError?
  ) -> Bool {
    state.withLock { state in
      if ExitWatch.isExiting && state.error == nil { state.error = ExitWatch.failure }
      guard state.error == nil else { return false }
      return SimulatorThread.call(if: isSimulator) {
        if let error = body(queue.pointer, &state.statistics) {
          state.error = error
          return false
        }
        advance(&state, by: commands)
        if isFirstLaunch && !isSimulator { settle(&state) }
        return true
      }
    }
  }

  func flush() {
    state.withLock { state in
      state.unflushed = 0
      let status = SimulatorThread.call(if: isSimulator) { functions.table.pointee.clFlush(queue.pointer) }
      if status != CL_SUCCESS && state.error == nil { state.error = Self.lost("clFlush", status) }
    }
  }

  /// Waits until the queue is empty. The lock is not held meanwhile.
  func drain() {
    count { $0.hostSyncs += 1 }
    let status = SimulatorThread.call(if: isSimulator) { functions.table.pointee.clFinish(queue.pointer) }
    if status != CL_SUCCESS { fail(Self.lost("clFinish", status)) }
  }

  /// Waits until the queue is empty, for the last time: nothing is enqueued from now on.
  func finishAtExit() {
    // Whoever has the lock has enqueued its last command when it lets go.
    let isShut: Void? = ExitWatch.patiently { state.withLockIfAvailable { _ in () } }
    if isShut != nil { _ = functions.table.pointee.clFinish(queue.pointer) }
  }

  /// Waits for one event, then lets go of it.
  func wait(for event: OpaquePointer) {
    let cl = functions.table.pointee
    count { $0.hostSyncs += 1 }
    let status = SimulatorThread.call(if: isSimulator) {
      var list: cl_event? = event
      defer { _ = cl.clReleaseEvent(event) }
      let status = cl.clWaitForEvents(1, &list)
      // The command may still be under way, and would write to memory of the host that its owner takes back now.
      if status != CL_SUCCESS { _ = cl.clFinish(queue.pointer) }
      return status
    }
    if status != CL_SUCCESS { fail(Self.lost("clWaitForEvents", status)) }
  }

  private func advance(_ state: inout State, by commands: Int) {
    let cl = functions.table.pointee
    if isSimulator { _ = cl.clFinish(queue.pointer) }
    state.unflushed += commands
    state.unmarked += commands
    var status = CL_SUCCESS
    if state.unflushed >= Self.flushPeriod {
      state.unflushed = 0
      status = cl.clFlush(queue.pointer)
    }
    if status == CL_SUCCESS && state.unmarked >= Self.markerPeriod {
      state.unmarked = 0
      status = mark(&state)
    }
    if status != CL_SUCCESS { state.error = Self.lost("clFlush", status) }
  }

  /// Waits for a kernel's first launch, after which the driver's compiler is at rest.
  private func settle(_ state: inout State) {
    let status = functions.table.pointee.clFinish(queue.pointer)
    if status != CL_SUCCESS && state.error == nil { state.error = Self.lost("clFinish", status) }
    ExitWatch.arm()
  }

  /// Sets a marker, and holds the caller back while the device is too far behind.
  private func mark(_ state: inout State) -> cl_int {
    let cl = functions.table.pointee
    var event: cl_event?
    var status = cl.clEnqueueMarkerWithWaitList(queue.pointer, 0, nil, &event)
    guard status == CL_SUCCESS, let event else { return status }
    state.markers.append(OpenCLObject(event))
    if state.markers.count > Self.openMarkers {
      var oldest: cl_event? = state.markers.removeFirst().pointer
      status = cl.clWaitForEvents(1, &oldest)
      _ = cl.clReleaseEvent(oldest)
    }
    return status
  }

  static func lost(_ call: String, _ status: cl_int) -> TernError {
    TernError(
      .deviceFailure, "\(call) failed: work on the OpenCL device was lost",
      remedy: "run again; a kernel that reads or writes out of bounds shows under Oclgrind",
      cause: OpenCLStatus.name(status))
  }
}
