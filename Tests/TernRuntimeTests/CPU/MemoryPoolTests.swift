// SPDX-License-Identifier: MIT
import Foundation
import Synchronization
import Testing

@testable import TernRuntime

@Suite struct MemoryPoolTests {
  /// A source of blocks that counts, and refuses once it has given `capacity` bytes.
  final class Source: Sendable {
    let given = Atomic(0)
    let blocks = Atomic(0)
    let capacity: Int

    init(capacity: Int = .max) { self.capacity = capacity }

    func pool(limit: Int? = nil) -> MemoryPool {
      MemoryPool(
        limit: limit,
        obtain: { size in
          if self.given.load(ordering: .relaxed) > self.capacity - size { return nil }
          self.given.add(size, ordering: .relaxed)
          self.blocks.add(1, ordering: .relaxed)
          return malloc(size)
        },
        free: { block, size in
          self.given.subtract(size, ordering: .relaxed)
          Foundation.free(block)
        })
    }
  }

  @Test func classesWasteAtMostAnEighth() {
    var last = (index: -1, capacity: 0)
    var sizes = Array(0...5000)
    for power in 13...45 {
      let bytes = 1 << power
      sizes += [bytes - 1, bytes, bytes + 1, bytes * 9 / 8 + 1]
    }
    for bytes in sizes {
      let found = MemoryPool.sizeClass(bytes)
      #expect(found.capacity >= max(256, bytes) && (bytes <= 256 || found.capacity - bytes <= bytes / 8), "\(bytes)")
      #expect(MemoryPool.sizeClass(found.capacity) == found, "\(bytes)")
      if bytes > 5000 { continue }
      #expect(found.index == last.index + (found.capacity == last.capacity ? 0 : 1), "\(bytes)")
      last = found
    }
  }

  @Test func blocksComeBackAndAreCounted() throws {
    let source = Source()
    let pool = source.pool()
    let (a, capacity) = try #require(pool.allocate(byteCount: 1000))
    let (b, _) = try #require(pool.allocate(byteCount: 1000))
    #expect(a != b && capacity == 1024)
    #expect(pool.use.inUse == 2048 && pool.use.peak == 2048 && pool.use.pooled == 0)
    pool.release(a, capacity: capacity)
    #expect(pool.use.inUse == 1024 && pool.use.pooled == 1024)
    let (again, _) = try #require(pool.allocate(byteCount: 900 + 100))
    #expect(again == a && source.blocks.load(ordering: .relaxed) == 2)
    pool.release(again, capacity: capacity)
    pool.release(b, capacity: capacity)
    pool.flush()
    #expect(pool.use.pooled == 0 && pool.use.inUse == 0 && pool.use.peak == 2048)
    #expect(source.given.load(ordering: .relaxed) == 0)
  }

  @Test func freeBlocksMakeRoomForOthers() throws {
    for (source, limit) in [(Source(capacity: 4096), nil), (Source(), 4096)] as [(Source, Int?)] {
      let pool = source.pool(limit: limit)
      let (small, capacity) = try #require(pool.allocate(byteCount: 2048))
      pool.release(small, capacity: capacity)
      let (large, size) = try #require(pool.allocate(byteCount: 4096))
      #expect(pool.use.inUse == 4096 && pool.use.pooled == 0)
      #expect(pool.allocate(byteCount: 1)?.capacity == nil)
      #expect(pool.use.inUse == 4096)
      pool.release(large, capacity: size)
    }
  }

  @Test func manyThreadsShareAPool() {
    let source = Source()
    let pool = source.pool()
    DispatchQueue.concurrentPerform(iterations: 8) { worker in
      for round in 0..<300 {
        let bytes = (worker * 37 + round * 101) % 5000
        guard let (block, capacity) = pool.allocate(byteCount: bytes) else { continue }
        memset(block, Int32(worker), bytes)
        pool.release(block, capacity: capacity)
      }
    }
    #expect(pool.use.inUse == 0)
    #expect(pool.use.pooled == source.given.load(ordering: .relaxed))
  }

  @Test(
    arguments: [("4096", 4096), ("3K", 3 << 10), ("2m", 2 << 20), ("1G", 1 << 30), ("", nil), (nil, nil)]
      as [(String?, Int?)])
  func limitsAreRead(_ text: String?, _ bytes: Int?) throws {
    #expect(try MemoryPool.configuredLimit(text) == bytes)
  }

  @Test(arguments: ["0", "-1", "K", "1.5G", "10T", "much", "9999999999G"]) func aLimitThatMeansNothingThrows(
    _ text: String
  ) {
    #expect { try MemoryPool.configuredLimit(text) } throws: { ($0 as? TernError)?.code == .setting }
  }

  @Test func aLoopAllocatesOnce() {
    let cpu = CPUBackend()
    _ = cpu.scratch([5000])
    let before = cpu.statistics.deviceAllocations
    for _ in 0..<10 {
      let view = cpu.scratch([5000])
      #expect(Int(bitPattern: view.address) % 64 == 0)
    }
    #expect(cpu.statistics.deviceAllocations == before)
    let large = cpu.scratch([3 << 20])
    #expect(Int(bitPattern: large.address) % (2 << 20) == 0)
    #expect(cpu.memory.inUse >= 12 << 20)
  }
}
