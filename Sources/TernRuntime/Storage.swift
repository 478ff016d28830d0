// SPDX-License-Identifier: MIT
import Synchronization

/// A block of device memory, shared by all views of it and returned to its device's pool with the last of them.
///
/// Sendable: the fields never change; the bytes behind `handle` are ordered by the device's queue (OpenCL) or written
/// before the storage is published to another thread, and overwritten only by a sole owner (CPU).
package final class Storage: @unchecked Sendable {
  package let backend: any Backend
  /// Bytes that were asked for; the block may be larger.
  package let byteCount: Int
  /// Bytes of the pool's size class that the block belongs to.
  package let capacity: Int
  /// CPU: the address, aligned to 64 bytes. OpenCL: the `cl_mem`; null after a failed allocation, which the queue
  /// remembers as its error.
  package let handle: UnsafeMutableRawPointer?

  /// Whether commands of an OpenCL queue have written the block. The CPU has no use for it.
  enum Contents: UInt8, AtomicRepresentable { case nothing, something, lost }
  private let contents = Atomic(Contents.nothing)

  package init(backend: any Backend, byteCount: Int, capacity: Int, handle: UnsafeMutableRawPointer?) {
    self.backend = backend
    self.byteCount = byteCount
    self.capacity = capacity
    self.handle = handle
  }

  /// Notes that a command which takes the block has been enqueued, or has failed or was dropped: then, if nothing has
  /// been written so far, nothing may be read from now on.
  func mark(isEnqueued: Bool) {
    _ = contents.compareExchange(expected: .nothing, desired: isEnqueued ? .something : .lost, ordering: .relaxed)
  }

  /// Whether the command that should have written the block never ran.
  var isLost: Bool { contents.load(ordering: .relaxed) == .lost }

  deinit { backend.release(self.handle, capacity: capacity) }
}
