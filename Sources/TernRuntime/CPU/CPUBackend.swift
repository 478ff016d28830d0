// SPDX-License-Identifier: MIT
import CTernCPU
import Foundation
import Synchronization

/// The CPU as a device: vector loops in C, spread over a pool of threads. Work is done when a call returns.
package final class CPUBackend: Backend {
  let threads: ThreadPool
  /// The instruction set whose loops are used.
  let isa: tern_isa
  /// What `tern tune` chose for this processor.
  package let choices: ChoiceTable
  package let tracing = TraceSlot()
  private let pool: MemoryPool
  private let counters = Counters()

  /// - Parameters:
  ///   - threads: the threads to use; tests compare pools of several sizes.
  ///   - isa: the instruction set to use; by default the best one that `TERN_ISA` allows.
  ///   - recordsProblems: whether the problems met are kept for `tern tune`.
  ///   - choices: stand in for those of the cache.
  package init(
    threads: ThreadPool = .shared, isa: tern_isa? = nil, recordsProblems: Bool = false, choices: ChoiceTable? = nil
  ) {
    if let unknown = tern_isa_unknown_setting() {
      trap("TERN_ISA: expected avx512, avx2 or baseline, got '\(String(cString: unknown))'")
    }
    self.threads = threads
    self.isa = isa ?? tern_isa_chosen()
    self.choices =
      choices
      ?? Tuning.table(
        for: DeviceIdentity(processor: Self.processorName, isa: self.isa, threads: threads.threadCount),
        isShared: recordsProblems)
    pool = MemoryPool(
      obtain: { [counters] capacity in
        counters.allocations.add(1, ordering: .relaxed)
        return Pages.obtain(capacity)
      },
      free: { block, _ in Foundation.free(block) })
  }

  /// The model name that the kernel reports.
  package static let processorName: String = {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last
    return name?.trimmingCharacters(in: .whitespaces) ?? "CPU"
  }()

  package func allocate(byteCount: Int) -> Storage {
    guard let (block, capacity) = pool.allocate(byteCount: byteCount) else {
      let use = pool.use
      trap("CPU: out of memory: \(byteCount) bytes asked for with \(use.inUse) in use; use smaller batches or tensors")
    }
    tern_fence(block, byteCount, capacity)
    return Storage(backend: self, byteCount: byteCount, capacity: capacity, handle: block)
  }

  package func release(_ handle: UnsafeMutableRawPointer?, capacity: Int) {
    guard let handle else { return }
    tern_fence(handle, 0, capacity)
    pool.release(handle, capacity: capacity)
  }

  package func upload(_ source: UnsafeRawBufferPointer, to storage: Storage, byteOffset: Int) {
    guard let base = source.baseAddress, source.count > 0 else { return }
    transfer(.upload(source.count), from: base, to: storage.handle! + byteOffset, source.count)
    counters.uploaded.add(source.count, ordering: .relaxed)
  }

  package func download(_ storage: Storage, byteOffset: Int, into target: UnsafeMutableRawBufferPointer) throws {
    counters.syncs.add(1, ordering: .relaxed)
    guard let base = target.baseAddress, target.count > 0 else { return }
    transfer(.download(target.count), from: storage.handle! + byteOffset, to: base, target.count)
    counters.downloaded.add(target.count, ordering: .relaxed)
  }

  package func synchronize() throws { counters.syncs.add(1, ordering: .relaxed) }

  package var memory: MemoryUse { pool.use }

  package func emptyPool() {
    pool.flush()
    ScratchPool.shared.empty()
  }

  package func onCPU(
    _ operation: String, reading inputs: [StridedView], into outputs: [StridedView],
    _ compute: (CPUBackend, [StridedView], [StridedView]) -> Void
  ) {
    let dense = outputs.map { $0.isContiguous ? $0 : scratch($0.shape, $0.dtype) }
    compute(self, inputs, dense)
    for (result, output) in zip(dense, outputs) where !output.isContiguous { convert(result, into: output) }
  }

  package var statistics: Statistics {
    var statistics = Statistics()
    statistics.launches = counters.launches.load(ordering: .relaxed)
    statistics.bytesUploaded = counters.uploaded.load(ordering: .relaxed)
    statistics.bytesDownloaded = counters.downloaded.load(ordering: .relaxed)
    statistics.hostSyncs = counters.syncs.load(ordering: .relaxed)
    statistics.deviceAllocations = counters.allocations.load(ordering: .relaxed)
    return statistics
  }

  /// Begins one operation that computes: counts it, and tells the trace that is being made, if any, when it ends.
  ///
  /// - Parameters:
  ///   - title: what traces call it instead of the requirement's name.
  ///   - algorithm: how it is computed, where there are several ways.
  func begin(
    _ title: @autoclosure () -> String? = nil, by algorithm: @autoclosure () -> String = "",
    requirement: String = #function
  ) -> CPULaunch {
    counters.launches.add(1, ordering: .relaxed)
    guard let recorder = tracing.recorder else { return CPULaunch(recording: nil) }
    let name = title() ?? String(requirement.prefix { $0 != "(" })
    let command = TraceCommand(kind: .operation, name: name, source: algorithm(), launches: 1)
    return CPULaunch(recording: (recorder, command, TraceRecorder.now()))
  }

  /// Copies bytes, and tells the trace that is being made, if any.
  private func transfer(
    _ command: @autoclosure () -> TraceCommand, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer,
    _ count: Int
  ) {
    let recorder = tracing.recorder
    let start = recorder == nil ? 0 : TraceRecorder.now()
    target.copyMemory(from: source, byteCount: count)
    recorder?.add(command(), since: start)
  }
}

/// An operation under way, which is over when `end` is called.
struct CPULaunch {
  fileprivate let recording: (recorder: TraceRecorder, command: TraceCommand, start: Int)?

  func end() { recording.map { $0.recorder.add($0.command, since: $0.start) } }
}

private final class Counters: Sendable {
  let launches = Atomic(0)
  let uploaded = Atomic(0)
  let downloaded = Atomic(0)
  let syncs = Atomic(0)
  let allocations = Atomic(0)
}
