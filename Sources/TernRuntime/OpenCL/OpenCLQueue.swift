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
    /// Takes the times of commands in while a trace is being made.
    var trace: LaunchTrace?
    /// The queue for traces, made when the first one begins.
    var timedQueue: OpenCLObject?
  }

  let functions: OpenCLFunctions
  private let queue: OpenCLObject
  /// The address of the queue that takes commands: `queue`, or the one for traces. The other one is empty.
  private let current: Atomic<UInt>
  /// Whether each command is waited for, on the simulator's thread.
  let isSimulator: Bool
  private let state = Lock(State())

  init(_ queue: OpenCLObject, isSimulator: Bool, functions: OpenCLFunctions) {
    self.queue = queue
    current = Atomic(UInt(bitPattern: queue.pointer))
    self.isSimulator = isSimulator
    self.functions = functions
    if !isSimulator { ExitWatch.add(self) }  // a simulator's commands are complete when they have been submitted
  }

  deinit {
    let cl = functions.table.pointee
    SimulatorThread.call(if: isSimulator) {
      _ = cl.clFinish(pointer)
      state.withLock { state in
        for marker in state.markers { _ = cl.clReleaseEvent(marker.pointer) }
        if let timed = state.timedQueue { _ = cl.clReleaseCommandQueue(timed.pointer) }
      }
      _ = cl.clReleaseCommandQueue(queue.pointer)
    }
  }

  /// The queue as OpenCL knows it.
  var pointer: OpaquePointer { OpaquePointer(bitPattern: current.load(ordering: .acquiring))! }

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
  ///   - command: what they are, for traces.
  ///   - commands: how many commands it enqueues, for the flush policy.
  ///   - isFirstLaunch: whether it launches a kernel for the first time. Then it is waited for, because the driver may
  ///     compile it now on a thread of its own; see `ExitWatch`.
  ///   - event: takes the event of the last command, if the caller needs it.
  ///   - body: is given the queue and the place for its last command's event; null where nobody needs it.
  /// - Returns: false when nothing was enqueued.
  @discardableResult
  func submit(
    _ command: @autoclosure () -> TraceCommand, commands: Int = 1, isFirstLaunch: Bool = false,
    event: UnsafeMutablePointer<cl_event?>? = nil,
    _ body: (cl_command_queue, UnsafeMutablePointer<cl_event?>?, inout Statistics) -> TernError?
  ) -> Bool {
    state.withLock { state in
      if ExitWatch.isExiting && state.error == nil { state.error = ExitWatch.failure }
      guard state.error == nil else { return false }
      return SimulatorThread.call(if: isSimulator) {
        let error =
          state.trace == nil
          ? body(pointer, event, &state.statistics) : traced(command(), &state, commands: commands, event, body)
        if let error {
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
      let status = SimulatorThread.call(if: isSimulator) { functions.table.pointee.clFlush(pointer) }
      if status != CL_SUCCESS && state.error == nil { state.error = Self.lost("clFlush", status) }
    }
  }

  /// Waits until the queue is empty. The lock is not held meanwhile.
  func drain() {
    count { $0.hostSyncs += 1 }
    let status = SimulatorThread.call(if: isSimulator) { functions.table.pointee.clFinish(pointer) }
    if status != CL_SUCCESS { fail(Self.lost("clFinish", status)) }
    collectTimes()
  }

  /// Waits until the queue is empty, for the last time: nothing is enqueued from now on.
  func finishAtExit() {
    // Whoever has the lock has enqueued its last command when it lets go.
    let isShut: Void? = ExitWatch.patiently { state.withLockIfAvailable { _ in () } }
    if isShut != nil { _ = functions.table.pointee.clFinish(pointer) }
  }

  /// Waits for one event, then lets go of it.
  ///
  /// - Returns: whether the command is known to be over. Where the device is lost, it may still use the host's memory.
  @discardableResult
  func wait(for event: OpaquePointer) -> Bool {
    let cl = functions.table.pointee
    count { $0.hostSyncs += 1 }
    let (status, isOver) = SimulatorThread.call(if: isSimulator) {
      var list: cl_event? = event
      defer { _ = cl.clReleaseEvent(event) }
      let status = cl.clWaitForEvents(1, &list)
      // The command may still be under way, and would write to memory of the host that its owner takes back now.
      return (status, status == CL_SUCCESS || cl.clFinish(pointer) == CL_SUCCESS)
    }
    if status != CL_SUCCESS { fail(Self.lost("clWaitForEvents", status)) }
    collectTimes()
    return isOver
  }

  private func advance(_ state: inout State, by commands: Int) {
    let cl = functions.table.pointee
    if isSimulator { _ = cl.clFinish(pointer) }
    state.unflushed += commands
    state.unmarked += commands
    var status = CL_SUCCESS
    if state.unflushed >= Self.flushPeriod {
      state.unflushed = 0
      status = cl.clFlush(pointer)
    }
    if status == CL_SUCCESS && state.unmarked >= Self.markerPeriod {
      state.unmarked = 0
      status = mark(&state)
    }
    if status != CL_SUCCESS { state.error = Self.lost("clFlush", status) }
  }

  /// Waits for a kernel's first launch, after which the driver's compiler is at rest.
  private func settle(_ state: inout State) {
    let status = functions.table.pointee.clFinish(pointer)
    if status != CL_SUCCESS && state.error == nil { state.error = Self.lost("clFinish", status) }
    ExitWatch.arm()
  }

  /// Sets a marker, and holds the caller back while the device is too far behind.
  private func mark(_ state: inout State) -> cl_int {
    let cl = functions.table.pointee
    var event: cl_event?
    var status = cl.clEnqueueMarkerWithWaitList(pointer, 0, nil, &event)
    guard status == CL_SUCCESS, let event else { return status }
    state.markers.append(OpenCLObject(event))
    if state.markers.count > Self.openMarkers {
      var oldest: cl_event? = state.markers.removeFirst().pointer
      status = cl.clWaitForEvents(1, &oldest)
      _ = cl.clReleaseEvent(oldest)
      state.trace?.collect()
    }
    return status
  }

  static func lost(_ call: String, _ status: cl_int) -> TernError {
    TernError(
      .deviceFailure, "\(call) failed: work on the OpenCL device was lost",
      remedy: "run again; a kernel that reads or writes out of bounds shows under Oclgrind",
      cause: OpenCLStatus.name(status))
  }

  // MARK: Traces

  /// Sends commands through a queue that takes their times, from now on.
  ///
  /// - Parameter makeQueue: called for the device's first trace.
  func beginTrace(_ recorder: TraceRecorder, _ makeQueue: () throws(TernError) -> OpenCLObject) throws(TernError) {
    try state.withLock { state throws(TernError) in
      if state.timedQueue == nil { state.timedQueue = try makeQueue() }
      let timed = state.timedQueue!
      SimulatorThread.call(if: isSimulator) {
        // Commands of one queue do not wait for those of the other.
        _ = functions.table.pointee.clFinish(queue.pointer)
        current.store(UInt(bitPattern: timed.pointer), ordering: .releasing)
        state.trace = LaunchTrace(recorder, queue: timed, functions: functions)
      }
    }
  }

  /// Goes back to the ordinary queue when all commands are done.
  func endTrace() {
    state.withLock { state in
      SimulatorThread.call(if: isSimulator) {
        let status = functions.table.pointee.clFinish(pointer)
        if status != CL_SUCCESS && state.error == nil { state.error = Self.lost("clFinish", status) }
        state.trace?.finish()
        state.trace = nil
        current.store(UInt(bitPattern: queue.pointer), ordering: .releasing)
      }
    }
  }

  /// Calls the body of `submit` so that the trace gets the event.
  private func traced(
    _ command: TraceCommand, _ state: inout State, commands: Int, _ wanted: UnsafeMutablePointer<cl_event?>?,
    _ body: (cl_command_queue, UnsafeMutablePointer<cl_event?>?, inout Statistics) -> TernError?
  ) -> TernError? {
    guard state.trace!.hasRoom() else { return body(pointer, wanted, &state.statistics) }
    // The event of several commands is that of the last one; a marker says when the first began.
    let first = commands > 1 ? state.trace!.marker() : nil
    var event: cl_event?
    let error = body(pointer, &event, &state.statistics)
    wanted?.pointee = event
    state.trace!.append(command, event, after: first, isShared: wanted != nil)
    return error
  }

  /// Reads the times of commands that are done, if a trace is being made.
  private func collectTimes() {
    guard pointer != queue.pointer else { return }
    state.withLock { state in
      SimulatorThread.call(if: isSimulator) { state.trace?.collect() }
    }
  }
}
