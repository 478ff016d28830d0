// SPDX-License-Identifier: MIT
import COpenCL
import Foundation

/// Faults on purpose: a table of OpenCL's functions in which a chosen call fails, to see what becomes of a failure.
///
/// `TERN_FAULT=clEnqueueNDRangeKernel:3:-5` makes the third launch of the process fail with status -5
/// (CL_OUT_OF_RESOURCES), `3+` that and all later ones, as after the loss of a device; `*` counts the calls of all
/// functions. `crash` in place of the status ends the process as a broken driver does, `hang` never returns.
package enum OpenCLFaults {
  package struct Plan: Sendable, Equatable {
    package enum Effect: Sendable, Equatable {
      case status(Int32)
      case crash, hang
    }

    /// A function's name; nil for all of them.
    package var function: String?
    /// The call to fail, counted from 1.
    package var call: Int
    /// Whether later calls fail, too.
    package var lasts: Bool
    package var effect: Effect

    package init(_ function: String?, call: Int = 1, lasts: Bool = false, _ effect: Effect) {
      (self.function, self.call, self.lasts, self.effect) = (function, call, lasts, effect)
    }

    /// `NAME:CALL[+]:STATUS`.
    package init?(_ text: String) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, parts[0] == "*" || OpenCLFaults.functions.contains(String(parts[0])) else { return nil }
      let lasts = parts[1].hasSuffix("+")
      guard let call = Int(lasts ? parts[1].dropLast() : parts[1]), call >= 1 else { return nil }
      let effect: Effect
      switch parts[2] {
      case "crash": effect = .crash
      case "hang": effect = .hang
      default:
        guard let status = Int32(parts[2]), status < 0 else { return nil }
        effect = .status(status)
      }
      self.init(parts[0] == "*" ? nil : String(parts[0]), call: call, lasts: lasts, effect)
    }
  }

  /// Kinds of objects that the driver keeps until they are released.
  enum Kind: Sendable { case context, queue, buffer, program, kernel, event }

  private struct State {
    var plan: Plan?
    var calls: [String: Int] = [:]
    var total = 0
    var living: [Kind: Int] = [:]
  }
  private static let state = Lock(State())

  /// Starts counting anew, with another plan or none. The calls counted are those of tables that `failing` made.
  package static func begin(_ plan: Plan?) {
    state.withLock { $0 = State(plan: plan, living: $0.living) }
  }

  /// Calls since `begin`, by function.
  package static var calls: [String: Int] { state.withLock { $0.calls } }

  /// Objects that were made and not released yet, by kind; all are zero when nothing leaks.
  static var living: [Kind: Int] { state.withLock { $0.living } }

  /// The plan in `TERN_FAULT`; nil when it is unset.
  static let fromEnvironment: Plan? = environmentValue("TERN_FAULT").map { text in
    guard let plan = Plan(text) else {
      trap("TERN_FAULT: '\(text)' is no fault; expected FUNCTION:CALL:STATUS, such as clEnqueueNDRangeKernel:3:-5")
    }
    return plan
  }

  /// The functions in another table, where each does what the plan says before it does its work.
  static func failing(_ functions: OpenCLFunctions) -> OpenCLFunctions {
    library.withLock { $0 = $0 ?? functions }
    let table = UnsafeMutablePointer<tern_cl_table>.allocate(capacity: 1)  // kept: devices use it to the end
    table.initialize(to: functions.table.pointee)
    intercept(&table.pointee)
    return OpenCLFunctions(table: table)
  }

  /// The library behind the shims.
  private static let library = Lock<OpenCLFunctions?>(nil)
  static var real: tern_cl_table { library.withLock { $0!.table.pointee } }

  /// Counts a call.
  ///
  /// - Returns: the status to fail with; nil to do the work.
  static func strike(_ function: String) -> cl_int? {
    let effect = state.withLock { state -> Plan.Effect? in
      state.calls[function, default: 0] += 1
      state.total += 1
      guard let plan = state.plan, plan.function == nil || plan.function == function else { return nil }
      let count = plan.function == nil ? state.total : state.calls[function]!
      return count == plan.call || (plan.lasts && count > plan.call) ? plan.effect : nil
    }
    switch effect {
    case nil: return nil
    case .status(let status): return status
    case .crash: crash()
    case .hang: while true { sleep(1000) }
    }
  }

  private static func crash() -> Never {
    signal(SIGSEGV, SIG_DFL)
    kill(getpid(), SIGSEGV)
    abort()
  }

  /// The same for functions that give an object back and their status through a pointer.
  static func strike(_ function: String, _ status: UnsafeMutablePointer<cl_int>?) -> Bool {
    guard let failure = strike(function) else { return false }
    status?.pointee = failure
    return true
  }

  // MARK: Objects

  static func made(_ kind: Kind, _ object: OpaquePointer?) -> OpaquePointer? {
    if object != nil { state.withLock { $0.living[kind, default: 0] += 1 } }
    return object
  }

  /// Counts the event of a command, if one was asked for.
  static func made(_ event: UnsafeMutablePointer<cl_event?>?, _ status: cl_int) -> cl_int {
    if status == CL_SUCCESS, event?.pointee != nil { state.withLock { $0.living[.event, default: 0] += 1 } }
    return status
  }

  /// Counts one more reference, which needs one more release.
  static func retained(_ kind: Kind, _ status: cl_int) -> cl_int {
    if status == CL_SUCCESS { state.withLock { $0.living[kind, default: 0] += 1 } }
    return status
  }

  /// A release does its work even where it is to fail: what a driver has done then nobody can know.
  static func released(_ kind: Kind, _ function: String, _ status: cl_int) -> cl_int {
    state.withLock { $0.living[kind, default: 0] -= 1 }
    return strike(function) ?? status
  }
}
