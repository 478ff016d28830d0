// SPDX-License-Identifier: MIT
import Synchronization

/// Decides which pointwise programs get a kernel of their own, and keeps those kernels.
///
/// A program that runs once or twice goes through the interpreter. At its third set of operands of the same class it is
/// compiled: on a CPU device that takes 0.1 to 0.4 s and saves half of the time of a long run.
final class PointwiseKernels: Sendable {
  /// How often a program is seen before it is compiled.
  static let threshold = 3

  struct Key: Hashable {
    let structure: PointwiseProgram.Structure
    let layout: PointwiseLayoutClass
  }
  private struct Entry {
    var uses = 0
    /// By the number of sets; 0 for the kernel of a single one.
    var kernels: [Int: CompiledKernel] = [:]
  }
  private struct State {
    var interpreter: CompiledKernel?
    var entries: [Key: Entry] = [:]
  }

  private let programs: ProgramCache
  private let isCPUDevice: Bool
  /// 0 or 1 to run everything in one tier.
  private let forcedTier: Int?
  private let state = Mutex(State())

  init(programs: ProgramCache, isCPUDevice: Bool, forcedTier: Int?) {
    self.programs = programs
    self.isCPUDevice = isCPUDevice
    self.forcedTier = forcedTier
  }

  func interpreter() throws(TernError) -> CompiledKernel {
    try state.withLock { state throws(TernError) in
      if let kernel = state.interpreter { return kernel }
      let kernel = try programs.kernel("interpret", ofGenerated: PointwiseInterpreter.text, called: "pointwise.cl")
      state.interpreter = kernel
      return kernel
    }
  }

  /// Counts `sets` uses; whether the program has a kernel of its own from now on.
  func isWorthCompiling(_ key: Key, sets: Int) -> Bool {
    if let forcedTier { return forcedTier == 1 }
    return state.withLock { state in
      let uses = state.entries[key, default: Entry()].uses
      if uses >= Self.threshold { return true }
      state.entries[key, default: Entry()].uses = uses + sets
      return uses + sets >= Self.threshold
    }
  }

  /// The program's own kernel, compiled now if it is not there.
  func compiled(_ key: Key, sets: Int) throws(TernError) -> CompiledKernel {
    try state.withLock { state throws(TernError) in
      if let kernel = state.entries[key]?.kernels[sets] { return kernel }
      let source = PointwiseSource(
        structure: key.structure, layout: key.layout, sets: sets, isCPUDevice: isCPUDevice)
      let name = "pointwise(" + key.structure.instructions.map(\.op.name).joined(separator: ", ") + ")"
      let kernel = try programs.kernel(source.kernelName, ofGenerated: source.text, called: name)
      state.entries[key, default: Entry()].kernels[sets] = kernel
      return kernel
    }
  }
}

/// The bytes of a struct as the device's compiler lays it out: 8-byte fields first, then 4-byte fields.
struct StructBytes {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ long: Int) { appendBytes(Int64(long)) }
  mutating func append(_ longs: some Sequence<Int>) { for long in longs { append(long) } }
  mutating func append(int: Int) { appendBytes(Int32(int)) }
  mutating func append(_ float: Float) { appendBytes(float) }

  /// With the padding at the end that the alignment of 8 asks for.
  var padded: [UInt8] { bytes + repeatElement(0, count: (8 - bytes.count % 8) % 8) }

  private mutating func appendBytes<T: BitwiseCopyable>(_ value: T) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }
}
