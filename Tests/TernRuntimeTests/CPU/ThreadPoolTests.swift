// SPDX-License-Identifier: MIT
import Foundation
import Synchronization
import Testing

@testable import TernRuntime

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8]) func everyChunkRunsOnce(_ threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    #expect(pool.threadCount == threads)
    for chunks in [0, 1, 2, 7, 1000] {
      let counts = Lock([Int](repeating: 0, count: chunks))
      pool.run(chunks: chunks) { chunk in counts.withLock { $0[chunk] += 1 } }
      #expect(counts.withLock { $0 } == [Int](repeating: 1, count: chunks))
    }
  }

  @Test func nestedCallsRunToTheirEnd() {
    let pool = ThreadPool(threadCount: 3)
    let count = Atomic(0)
    pool.run(chunks: 20) { _ in
      pool.run(chunks: 30) { _ in count.add(1, ordering: .relaxed) }
    }
    #expect(count.load(ordering: .relaxed) == 600)
  }

  @Test func callersOnManyThreadsDoNotMixTheirLoops() {
    let pool = ThreadPool(threadCount: 3)
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { caller in
      for round in 0..<200 {
        let sum = Atomic(0)
        pool.run(chunks: 10) { sum.add($0 * (caller + 1), ordering: .relaxed) }
        if sum.load(ordering: .relaxed) != 45 * (caller + 1) { wrong.add(round + 1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test func workersThatSleepAreWoken() {
    let pool = ThreadPool(threadCount: 2)
    let count = Atomic(0)
    for _ in 0..<20 {
      usleep(2000)
      pool.run(chunks: 4) { _ in count.add(1, ordering: .relaxed) }
    }
    #expect(count.load(ordering: .relaxed) == 80)
  }

  @Test func poolsComeAndGo() {
    for _ in 0..<50 { ThreadPool(threadCount: 4).run(chunks: 8) { _ in } }
  }

  @Test func severalThreadsTakePart() {
    let pool = ThreadPool(threadCount: 2)
    let threads = Lock(Set<UInt64>())
    for _ in 0..<50 {
      pool.run(chunks: 8) { _ in
        let id = UInt64(UInt(bitPattern: pthread_self().hashValue))
        _ = threads.withLock { $0.insert(id) }
        usleep(100)
      }
    }
    #expect(threads.withLock { $0.count } == 2)
  }

  @Test func noThreadsAtAllTraps() async {
    await #expect(processExitsWith: .failure) { _ = ThreadPool(threadCount: 0) }
  }

  @Test(arguments: ["0", "two", "-1", "1e3", "4096"]) func aSettingThatMeansNothingTraps(_ text: String) async {
    await #expect(processExitsWith: .failure) { [text] in
      setenv("TERN_THREADS", text, 1)
      _ = ThreadPool.configuredThreadCount
    }
  }

  @Test func theSettingIsRead() async {
    await #expect(processExitsWith: .success) {
      setenv("TERN_THREADS", "7", 1)
      exit(ThreadPool.configuredThreadCount == 7 ? 0 : 1)
    }
  }
}
