// SPDX-License-Identifier: MIT
import COpenCL
import Foundation
import Synchronization

/// Host copies of uploads that the device has not fetched yet.
final class Staging: Sendable {
  /// Above so many bytes under way an upload waits for the device instead.
  static let limit = 256 << 20
  let bytesUnderWay = Atomic(0)

  /// One copy, freed when the driver reports that it has been read.
  ///
  /// Sendable: written before it is handed to the driver, then only freed.
  final class Copy: @unchecked Sendable {
    let bytes: UnsafeMutableRawPointer
    let count: Int
    let owner: Staging

    init(_ source: UnsafeRawBufferPointer, owner: Staging) {
      count = source.count
      self.owner = owner
      bytes = .allocate(byteCount: count, alignment: 64)
      bytes.copyMemory(from: source.baseAddress!, byteCount: count)
      owner.bytesUnderWay.add(count, ordering: .relaxed)
    }

    deinit {
      bytes.deallocate()
      owner.bytesUnderWay.subtract(count, ordering: .relaxed)
    }
  }
}

/// Where the pool's blocks come from: buffers of the device's context.
///
/// The queue is in order, so a buffer may be handed out again as soon as its last tensor is gone: what reads it was
/// enqueued before what will write it.
///
/// A buffer of the simulator is created with exactly the bytes that were asked for and never released. Oclgrind 21.10
/// keeps what it knows about a buffer's bytes when the buffer is released: the next one in its place starts with them,
/// and what is written beyond the old one's end counts as never written.
///
/// A device that is the host's CPU computes in its memory, so large buffers lie in huge pages of ours there: on PoCL an
/// addition of two arrays of 64 MiB is a tenth faster than in the 4 KiB pages that the driver takes.
final class BufferSource: Sendable {
  /// Buffers created so far.
  let count = Atomic(0)
  private let context: OpenCLObject
  private let queue: OpenCLQueue
  private let isSimulator: Bool
  /// The sizes that get pages of ours; what is too large for the device is the driver's to refuse.
  private let pagedSizes: ClosedRange<Int>?
  private let functions: OpenCLFunctions
  private let lastStatus = Atomic(CL_SUCCESS)

  init(context: OpenCLObject, queue: OpenCLQueue, device: OpenCLDeviceInfo, functions: OpenCLFunctions) {
    self.context = context
    self.queue = queue
    isSimulator = device.isSimulator
    pagedSizes = device.isCPU ? Pages.largeBlock...max(Pages.largeBlock, device.maxAllocationBytes) : nil
    self.functions = functions
  }

  /// The driver's reason for the last refusal; nil if it has not refused any.
  var lastFailure: String? {
    let status = lastStatus.load(ordering: .relaxed)
    return status == CL_SUCCESS ? nil : OpenCLStatus.name(status)
  }

  func create(_ capacity: Int) -> UnsafeMutableRawPointer? {
    if let buffer = attempt(capacity) { return buffer }
    // Released buffers are freed when the last command that uses them is done.
    SimulatorThread.call(if: isSimulator) { _ = functions.table.pointee.clFinish(queue.pointer) }
    return attempt(capacity)
  }

  func release(_ buffer: UnsafeMutableRawPointer) {
    if !isSimulator { _ = functions.table.pointee.clReleaseMemObject(OpaquePointer(buffer)) }
  }

  private func attempt(_ capacity: Int) -> UnsafeMutableRawPointer? {
    var status = CL_SUCCESS
    let pages = pagedSizes?.contains(capacity) == true ? Pages.obtain(capacity) : nil
    let flags = CL_MEM_READ_WRITE | (pages == nil ? 0 : CL_MEM_USE_HOST_PTR)
    let buffer = SimulatorThread.call(if: isSimulator) {
      functions.table.pointee.clCreateBuffer(context.pointer, cl_mem_flags(flags), capacity, pages, &status)
    }
    if status == CL_SUCCESS, let buffer, let pages { status = leave(pages, to: buffer) }
    guard status == CL_SUCCESS, let buffer else {
      free(pages)
      lastStatus.store(status, ordering: .relaxed)
      return nil
    }
    count.add(1, ordering: .relaxed)
    return UnsafeMutableRawPointer(buffer)
  }

  /// Has the driver free a new buffer's pages when it has freed the buffer, which outlives its release until the last
  /// command on it is done.
  ///
  /// - Returns: the status; if it is a failure, the buffer is gone and the pages are the caller's.
  private func leave(_ pages: UnsafeMutableRawPointer, to buffer: OpaquePointer) -> cl_int {
    let table = functions.table.pointee
    let status = table.clSetMemObjectDestructorCallback(buffer, { _, pages in free(pages) }, pages)
    if status != CL_SUCCESS { _ = table.clReleaseMemObject(buffer) }
    return status
  }
}

extension OpenCLBackend {
  package func allocate(byteCount: Int) -> Storage {
    if let (block, capacity) = pool.allocate(byteCount: byteCount) {
      return Storage(backend: self, byteCount: byteCount, capacity: capacity, handle: block)
    }
    let use = pool.use
    let limit = pool.limit.map { ", TERN_MEMORY_LIMIT allows \($0)" } ?? ""
    queue.fail(
      TernError(
        .outOfMemory,
        "\(info.name): \(byteCount) bytes could not be allocated; tensors hold \(use.inUse) of "
          + "\(info.globalMemoryBytes)\(limit), one block at most \(info.maxAllocationBytes)",
        remedy: Self.outOfMemoryRemedy, cause: buffers.lastFailure))
    return Storage(backend: self, byteCount: byteCount, capacity: 0, handle: nil)
  }

  package func release(_ handle: UnsafeMutableRawPointer?, capacity: Int) {
    if let handle { pool.release(handle, capacity: capacity) }
  }

  package var memory: MemoryUse { pool.use }
  package func emptyPool() { pool.flush() }

  package func upload(_ source: UnsafeRawBufferPointer, to storage: Storage, byteOffset: Int) {
    guard let base = source.baseAddress, !source.isEmpty else { return }
    guard !queue.hasFailed else { return storage.mark(isEnqueued: false) }
    guard let buffer = storage.buffer else { return queue.fail(Self.neverAllocated("upload")) }
    func write(_ bytes: UnsafeRawPointer, blocking: Bool, event: UnsafeMutablePointer<cl_event?>?) -> Bool {
      let isEnqueued = queue.submit(.upload(source.count), event: event) { queue, event, statistics in
        let status = retryingAfterFlush {
          cl.clEnqueueWriteBuffer(
            queue, buffer, cl_bool(blocking ? CL_TRUE : CL_FALSE), byteOffset, source.count, bytes, 0, nil, event)
        }
        guard status == CL_SUCCESS else { return Self.transferFailure("upload of \(source.count) bytes", status) }
        statistics.bytesUploaded += source.count
        if blocking { statistics.hostSyncs += 1 }
        return nil
      }
      storage.mark(isEnqueued: isEnqueued)
      return isEnqueued
    }
    // The simulator never calls back, because a command is complete before anybody can ask for it.
    guard !info.isSimulator, staging.bytesUnderWay.load(ordering: .relaxed) + source.count <= Staging.limit else {
      _ = write(base, blocking: true, event: nil)
      return
    }
    let copy = Staging.Copy(source, owner: staging)
    var event: cl_event?
    guard write(copy.bytes, blocking: false, event: &event), let event else { return }
    let reference = Unmanaged.passRetained(copy)
    let status = cl.clSetEventCallback(
      event, CL_COMPLETE, { _, _, copy in Unmanaged<Staging.Copy>.fromOpaque(copy!).release() }, reference.toOpaque())
    if status == CL_SUCCESS {
      _ = cl.clReleaseEvent(event)
    } else {
      // When the driver cannot say that it is done with the copy, the copy stays.
      if queue.wait(for: event) { reference.release() }
    }
  }

  package func download(_ storage: Storage, byteOffset: Int, into target: UnsafeMutableRawBufferPointer) throws {
    var event: cl_event?
    if let base = target.baseAddress, !target.isEmpty {
      if storage.isLost {
        queue.fail(Self.lost("download"))
      } else if let buffer = storage.buffer {
        queue.submit(.download(target.count), event: &event) { queue, event, statistics in
          let status = retryingAfterFlush {
            cl.clEnqueueReadBuffer(queue, buffer, cl_bool(CL_FALSE), byteOffset, target.count, base, 0, nil, event)
          }
          guard status == CL_SUCCESS else { return Self.transferFailure("download of \(target.count) bytes", status) }
          statistics.bytesDownloaded += target.count
          return nil
        }
      } else {
        queue.fail(Self.neverAllocated("download"))
      }
    }
    if let event {
      queue.flush()
      queue.wait(for: event)
    }
    if let error = queue.takeError() { throw error }
  }

  private static func transferFailure(_ what: String, _ status: cl_int) -> TernError {
    let memory = OpenCLStatus.isOutOfMemory(status)
    return TernError(
      memory ? .outOfMemory : .deviceFailure, "\(what) failed", remedy: memory ? outOfMemoryRemedy : "",
      cause: OpenCLStatus.name(status))
  }
}
