// SPDX-License-Identifier: MIT
import COpenCL
import Foundation
import Synchronization
import Testing

@testable import TernRuntime

/// The memory of large buffers on devices that are the host's CPU: pages of ours.
@Suite(
  "OpenCL pages", .serialized, .enabled(if: OpenCLSupport.hostCPU != nil, "skipped: no OpenCL device is a CPU here"))
struct OpenCLPagesTests {
  /// What the driver was asked for.
  enum Seen {
    nonisolated(unsafe) static var pages: [Int] = []  // the suite is serialized
    nonisolated(unsafe) static var callback: (@convention(c) (cl_mem?, UnsafeMutableRawPointer?) -> Void)?
    static let freed = Atomic(0)  // by a thread of the driver's
    nonisolated(unsafe) static var releases = 0
    static let real = OpenCLFunctions.loaded!.table.pointee
  }

  private func backend(refusesCallbacks: Bool) throws -> OpenCLBackend {
    (Seen.pages, Seen.releases) = ([], 0)
    Seen.freed.store(0, ordering: .relaxed)
    let functions = OpenCLFaultTests.Faults.functions {
      $0.clCreateBuffer = { context, flags, size, pages, status in
        if flags & cl_mem_flags(CL_MEM_USE_HOST_PTR) != 0 { Seen.pages.append(Int(bitPattern: pages)) }
        return Seen.real.clCreateBuffer(context, flags, size, pages, status)
      }
      $0.clReleaseMemObject = {
        Seen.releases += 1
        return Seen.real.clReleaseMemObject($0)
      }
      $0.clSetMemObjectDestructorCallback = { buffer, callback, data in
        Seen.callback = callback
        return Seen.real.clSetMemObjectDestructorCallback(
          buffer,
          {
            Seen.callback!($0, $1)
            Seen.freed.add(1, ordering: .relaxed)
          }, data)
      }
      if refusesCallbacks { $0.clSetMemObjectDestructorCallback = { _, _, _ in CL_OUT_OF_HOST_MEMORY } }
    }
    return try OpenCLSupport.privateBackend(functions: functions, index: try #require(OpenCLSupport.hostCPU))
  }

  @Test func largeBuffersLieInHugePages() throws {
    let backend = try backend(refusesCallbacks: false)
    let count = Pages.largeBlock / 4 + 77
    for round in 1...3 {
      let storage = backend.storage(of: (0..<count).map { Int32($0 &* round) })
      let copy = try backend.array(Int32.self, count, from: storage)
      #expect(copy.indices.allSatisfy { copy[$0] == Int32($0 &* round) })
    }
    _ = backend.storage(of: [1, 2, 3] as [Float])  // a small one is the driver's
    #expect(Seen.pages.count == 1)
    #expect(Seen.pages.allSatisfy { $0 != 0 && $0 % Pages.hugePage == 0 })
    #expect(Seen.freed.load(ordering: .relaxed) == 0)
    backend.emptyPool()
    #expect(Seen.releases == 2)
    // A driver may finish with a command a little later than it says.
    for _ in 0..<500 where Seen.freed.load(ordering: .relaxed) == 0 { usleep(10_000) }
    #expect(Seen.freed.load(ordering: .relaxed) == 1)
  }

  /// A buffer whose pages nobody would free is given back at once; what happens then is what happens when memory is
  /// short.
  @Test func refusedCallbackIsAnAllocationThatFailed() throws {
    let backend = try backend(refusesCallbacks: true)
    let refused = backend.allocate(byteCount: Pages.largeBlock)
    #expect(refused.buffer == nil)
    #expect(!Seen.pages.isEmpty && Seen.releases == Seen.pages.count)
    let error = #expect(throws: TernError.self) { try backend.synchronize() }
    #expect(error?.code == .outOfMemory)
    #expect(error?.cause?.contains("CL_OUT_OF_HOST_MEMORY") == true, "\(String(describing: error))")
    #expect(try backend.array(Float.self, 2, from: backend.storage(of: [1, 2] as [Float])) == [1, 2])
  }
}
