// SPDX-License-Identifier: MIT
import Foundation

/// Blocks of memory from the system, for the CPU and for OpenCL devices that compute in the host's memory.
enum Pages {
  static let hugePage = 2 << 20
  /// From this size on a block begins at a huge page.
  static let largeBlock = 2 * hugePage

  /// A block aligned for vectors; large ones to huge pages, which the kernel is asked to use: faulting in 4 KiB pages
  /// one by one costs more than writing them.
  ///
  /// - Returns: what `free` gives back; nil when there is no memory.
  static func obtain(_ capacity: Int) -> UnsafeMutableRawPointer? {
    let isLarge = capacity >= largeBlock
    var block: UnsafeMutableRawPointer?
    // Not aligned_alloc: the classes of the pool are no multiples of the alignment.
    guard posix_memalign(&block, isLarge ? hugePage : 64, capacity) == 0, let block else { return nil }
    #if os(Linux)
      if isLarge { madvise(block, capacity, MADV_HUGEPAGE) }
    #endif
    return block
  }
}
