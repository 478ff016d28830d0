// SPDX-License-Identifier: MIT
import CTernCPU
import Foundation
import Synchronization
import Testing

@testable import TernRuntime

private let sanitizer = ProcessInfo.processInfo.environment["TERN_SANITIZER"]

/// What `Tests/sanitize.sh` runs first: without it, silence would mean nothing.
@Suite(.enabled(if: sanitizer != nil, "runs in sanitized builds only: make sanitize"))
struct SanitizerTests {
  enum Fault: String, Codable, CaseIterable {
    case overflowInSwift = "AddressSanitizer: heap-buffer-overflow"
    case useAfterFree = "AddressSanitizer: heap-use-after-free"
    case overflowInPool = "AddressSanitizer: use-after-poison"
    case overflowInC = "in gather_32"
    case misalignedAccessInC = "runtime error: store to misaligned address"
    case raceInSwift = "ThreadSanitizer: Swift access race"
    case raceInC = "#0 gather_32"

    static var planted: [Fault] {
      switch sanitizer {
      case "address": [.overflowInSwift, .useAfterFree, .overflowInPool, .overflowInC, .misalignedAccessInC]
      case "thread": [.raceInSwift, .raceInC]
      default: []
      }
    }

    func commit() {
      let cell = UnsafeMutablePointer<Float>.allocate(capacity: 4)
      cell.initialize(repeating: 1, count: 4)
      switch self {
      case .overflowInSwift: cell[Self.opaque(4)] += 1
      case .useAfterFree:
        cell.deallocate()
        cell[Self.opaque(0)] += 1
      case .overflowInPool:
        let storage = CPUBackend().allocate(byteCount: 12)
        storage.handle!.storeBytes(of: 1, toByteOffset: Self.opaque(12), as: UInt8.self)
      case .overflowInC: Self.gather(4, into: cell)
      case .misalignedAccessInC: Self.gather(2, into: UnsafeMutableRawPointer(cell) + 1)
      case .raceInSwift:
        let box = Box()
        Self.onTwoThreads { box.value += 1 }
      case .raceInC:
        let target = UInt(bitPattern: cell)
        Self.onTwoThreads { Self.gather(2, into: UnsafeMutableRawPointer(bitPattern: target)!) }
      }
    }

    /// Unsynchronized on purpose.
    private final class Box: @unchecked Sendable { var value = 0 }

    /// A number that the optimizer does not know.
    private static func opaque(_ number: Int) -> Int { getpid() > 0 ? number : 0 }

    /// Copies `count` elements of 32 bits out of the even places of six, by the package's own C code.
    private static func gather(_ count: Int, into target: UnsafeMutableRawPointer) {
      let source: [Float] = [1, 2, 3, 4, 5, 6]
      let zero: [Int32] = [0]
      source.withUnsafeBytes { source in
        zero.withUnsafeBytes { zero in
          var x = tern_axis_view(data: source.baseAddress, outer: 6, axis: 6, inner: 2)
          var positions = tern_axis_positions(
            view: tern_axis_view(data: zero.baseAddress, outer: 0, axis: 0, inner: 0), is_wide: false)
          let extents = tern_axis_extents(n: 1, picked: 1, inner: count)
          tern_gather_axis(&x, &positions, extents, 4, 0, target, 0, count)
        }
      }
    }

    /// Calls `body` here and on another thread; nothing says which call comes first.
    private static func onTwoThreads(_ body: @escaping @Sendable () -> Void) {
      final class Flag: Sendable { let isSet = Atomic(false) }
      let done = Flag()
      Thread.detachNewThread {
        body()
        done.isSet.store(true, ordering: .relaxed)
      }
      body()
      while !done.isSet.load(ordering: .relaxed) { sched_yield() }
    }
  }

  @Test(arguments: Fault.planted) func plantedFaultsAreReported(_ fault: Fault) async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [fault] in
      fault.commit()
    }
    let report = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(report.contains(fault.rawValue), "\(fault): \(report)")
  }
}
