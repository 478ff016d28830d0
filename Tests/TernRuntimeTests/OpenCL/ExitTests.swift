// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

/// A process may end at any time, with kernels at work: some drivers crash unless they are waited for.
@Suite("Exit with an OpenCL device at work", .enabled(if: ExitSupport.device != nil, OpenCLSupport.skipped))
struct ExitTests {
  @Test func workUnderWayIsFinished() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let work = try ExitSupport.Work()
      work.enqueue(1)
      try work.backend.synchronize()
      work.enqueue(30)
      exit(0)
    }
  }

  /// PoCL compiles at the first launch, on a thread of its own, which exit must not overtake.
  @Test(arguments: 0..<3) func firstLaunchIsWaitedFor(_: Int) async {
    await #expect(processExitsWith: .exitCode(0)) {
      try ExitSupport.Work().enqueue(1)
      exit(0)
    }
  }

  @Test func secondKernelIsWaitedForToo() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let work = try ExitSupport.Work()
      work.enqueue(1)
      try work.backend.synchronize()
      try ExitSupport.Work().enqueue(10)
      exit(0)
    }
  }

  @Test func otherThreadsEnqueueNothingMore() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let work = try ExitSupport.Work()
      work.enqueue(1)
      try work.backend.synchronize()
      let started = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        while true {
          work.enqueue(1)
          started.signal()
        }
      }
      for _ in 0..<20 { started.wait() }
      exit(0)
    }
  }

  /// The thread that exits is another one than the one that compiles programs and launches them first.
  @Test(arguments: 0..<3) func compilationOfAnotherThreadIsWaitedFor(_: Int) async {
    await #expect(processExitsWith: .exitCode(0)) {
      let work = try ExitSupport.Work()
      work.enqueue(1)
      let started = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        while let more = try? ExitSupport.Work() {  // until the process is ending
          started.signal()
          more.enqueue(1)
        }
      }
      started.wait()
      exit(0)
    }
  }

  /// A thread that goes on must not take what it finds in memory for a result.
  @Test func readsThrowFromThenOn() async {
    await #expect(processExitsWith: .exitCode(7)) {
      let work = try ExitSupport.Work()
      work.enqueue(1)
      try work.backend.synchronize()
      ExitWatch.finish()
      for _ in 0..<2 { #expect(throws: TernError.self) { try work.backend.array(Float.self, 1, from: work.result) } }
      exit(7)
    }
  }
}

enum ExitSupport {
  static let device = OpenCLSupport.devices.first { !OpenCLSupport.backend($0).info.isSimulator }

  /// Launches of a few milliseconds each, of a kernel that no cache of compiled ones can have.
  struct Work {
    let backend = OpenCLSupport.backend(device!)
    let result: Storage
    let kernel: CompiledKernel

    init() throws {
      let seed = UInt32.random(in: 1...UInt32.max)
      let text = """
        __kernel void work(__global float *y, long rounds) {
          float sum = 0;
          for (long i = 0; i < rounds; i++) sum = fma(sum, 0.5f, \(seed).0f);
          y[get_global_id(0)] = sum;
        }
        """
      result = backend.allocate(byteCount: 64)
      kernel = try backend.programs.kernel("work", ofGenerated: text, called: "work.cl")
    }

    func enqueue(_ launches: Int) {
      for _ in 0..<launches {
        backend.launch(kernel, global: [16], local: [1], [.storage(result), .long(100_000)])
      }
      backend.queue.flush()
    }
  }
}
