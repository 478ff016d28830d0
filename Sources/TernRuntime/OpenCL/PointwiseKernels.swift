// SPDX-License-Identifier: MIT

/// Decides which pointwise programs get a kernel of their own, and keeps those kernels.
///
/// Programs go through the interpreter until it has spent so long on one that a kernel is worth its compilation: on a
/// CPU device that takes 0.1 to 0.4 s and saves half of the time of a long run. What counts is an estimate from the
/// shapes, never a clock, so that runs of a training are alike.
final class PointwiseKernels: Sendable {
  /// The fewest sets of operands that a program has run on before it is compiled: what runs once or twice is set-up.
  static let fewestUses = 3
  /// Estimated nanoseconds in the interpreter at which a program is compiled. A training step meets its programs again,
  /// hence far less than a compilation takes.
  static let patience = 1_000_000.0
  /// Of one launch of the interpreter.
  static let launchNanoseconds = 10_000.0

  struct Key: Hashable {
    let structure: PointwiseProgram.Structure
    let layout: PointwiseLayoutClass
    /// Whether results pass the caches by.
    var isStreamed = false
    /// The reduction that takes the results in, if they are not stored.
    var reduction: FusedReduction?
  }
  private struct Entry {
    var uses = 0
    /// Estimated time in the interpreter so far.
    var nanoseconds = 0.0
    /// By the number of sets; 0 for the kernel of a single one.
    var kernels: [Int: CompiledKernel] = [:]
  }
  private struct State {
    var interpreter: CompiledKernel?
    var entries: [Key: Entry] = [:]
  }

  private let programs: ProgramCache
  private let isCPUDevice: Bool
  /// In a simulator time is no matter, and both tiers have to be seen.
  private let isSimulator: Bool
  private var nanosecondsPerInstruction: Double { isCPUDevice ? 0.05 : 0.005 }
  /// 0 or 1 to run everything in one tier.
  private let forcedTier: Int?
  private let state = Lock(State())

  init(programs: ProgramCache, isCPUDevice: Bool, isSimulator: Bool, forcedTier: Int?) {
    self.programs = programs
    self.isCPUDevice = isCPUDevice
    self.isSimulator = isSimulator
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

  /// Counts uses by `sets` sets of `elements` elements in all; whether the program has a kernel of its own from now on.
  func isWorthCompiling(_ key: Key, sets: Int, elements: Int) -> Bool {
    if let forcedTier { return forcedTier == 1 }
    let perElement = nanosecondsPerInstruction * Double(key.structure.instructions.count + key.layout.steps.count)
    return state.withLock { state in
      if state.entries[key]?.kernels.isEmpty == false { return true }
      var entry = state.entries[key] ?? Entry()
      entry.uses += sets
      entry.nanoseconds += Double(sets) * Self.launchNanoseconds + Double(elements) * perElement
      state.entries[key] = entry
      return entry.uses >= Self.fewestUses && (isSimulator || entry.nanoseconds >= Self.patience)
    }
  }

  /// The program's own kernel, compiled now if it is not there.
  func compiled(_ key: Key, sets: Int) throws(TernError) -> CompiledKernel {
    try state.withLock { state throws(TernError) in
      if let kernel = state.entries[key]?.kernels[sets] { return kernel }
      let source = PointwiseSource(
        structure: key.structure, layout: key.layout, sets: sets, isCPUDevice: isCPUDevice,
        isStreamed: key.isStreamed)
      let kernel: CompiledKernel
      if let reduction = key.reduction {
        let name = "\(reduction.kind)(\(key.structure.operations))"
        kernel = try programs.kernel(reduction.kernelName, ofGenerated: reduction.text(of: source), called: name)
      } else {
        let name = "pointwise(\(key.structure.operations))"
        kernel = try programs.kernel(source.kernelName, ofGenerated: source.text, called: name)
      }
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
  mutating func append(int: Int) { appendBytes(KernelArgument.narrowed(int)) }
  mutating func append(_ float: Float) { appendBytes(float) }

  /// With the padding at the end that the alignment of 8 asks for.
  var padded: [UInt8] { bytes + repeatElement(0, count: (8 - bytes.count % 8) % 8) }

  private mutating func appendBytes<T: BitwiseCopyable>(_ value: T) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }
}
