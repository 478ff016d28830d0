// SPDX-License-Identifier: MIT

/// What a device did while `Device.trace(limit:_:)` or `withTrace(of:to:limit:_:)` watched it.
///
///     let trace = try device.trace { try step() }
///     for kernel in trace.byKernel { print(kernel.name, kernel.launches, kernel.total) }
///     try trace.write(to: "step.json")
///
/// All times are whole nanoseconds since the trace began, on the host's clock.
public struct Trace: Sendable {
  /// What a command of the device does.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// One launch of an OpenCL kernel.
    case kernel
    /// A routine of a library, which launches kernels of its own.
    case library
    /// An operation on the CPU.
    case operation
    /// Bytes from the host to the device.
    case upload
    /// Bytes from the device to the host.
    case download
  }

  /// One command of the device.
  public struct Event: Sendable {
    let command: Command
    /// When the host gave the command to the queue, when it was sent to the device, when the device began and ended it.
    public internal(set) var queued, submitted, started, ended: Int
    /// The host's thread that it ran on, counted from 0; always 0 for a device with a queue.
    public let thread: Int

    /// What the command does.
    public var kind: Kind { command.description.kind }
    /// The kernel's or the routine's name; for a pointwise program its operations, as in `pointwise(multiply, add)`.
    public var name: String { command.description.name }
    /// The file of `Kernels/` that the kernel is from, the kernel that was made for a program, or the algorithm that
    /// the CPU took; empty where there is no such thing.
    public var source: String { command.description.source }
    /// Work-items along each axis; empty for what is no kernel.
    public var globalSize: [Int] { command.description.globalSize }
    /// Work-items of a group along each axis; empty for what is no kernel.
    public var localSize: [Int] { command.description.localSize }
    /// Bytes copied; 0 for what is no transfer.
    public var byteCount: Int { command.description.byteCount }
    /// How many launches it counts as in `Statistics`: 1 for a kernel, 0 for a transfer.
    public var launches: Int { command.description.launches }
    /// How long the device worked on it.
    public var duration: Int { ended - started }
  }

  /// Something that the host did, such as a training step; see `Device.span(_:_:)`.
  public struct Span: Sendable, Equatable {
    /// What the program called it.
    public let name: String
    /// When it began and ended, in nanoseconds since the trace began.
    public internal(set) var started, ended: Int
    /// The host's thread, counted from 0.
    public let thread: Int
  }

  /// What events have in common, kept once for all of them.
  final class Command: Sendable {
    let description: TraceCommand
    init(_ description: TraceCommand) { self.description = description }
  }

  /// How many events a trace keeps unless told otherwise: about 50 MB, and 200 MB as a file.
  public static let defaultLimit = 1_000_000

  /// `cpu` or `opencl:N`.
  public let device: String
  /// The name that the driver reports, or the processor's.
  public let deviceName: String
  /// In the order in which they began.
  public let events: [Event]
  /// In the order in which they ended.
  public let spans: [Span]
  /// Commands and spans that came when the limit was reached, or that the driver gave no times of.
  public let missingCount: Int
  /// From the beginning of the trace to its end.
  public let duration: Int
  /// The beginning on the host's clock, so that traces of several devices can be laid on one another.
  let origin: Int
}

/// What a command is, apart from its times.
package struct TraceCommand: Sendable, Hashable {
  package var kind: Trace.Kind
  package var name: String
  package var source = ""
  package var globalSize: [Int] = []
  package var localSize: [Int] = []
  package var byteCount = 0
  package var launches = 0

  static func upload(_ byteCount: Int) -> TraceCommand {
    TraceCommand(kind: .upload, name: "upload", byteCount: byteCount)
  }

  static func download(_ byteCount: Int) -> TraceCommand {
    TraceCommand(kind: .download, name: "download", byteCount: byteCount)
  }
}
