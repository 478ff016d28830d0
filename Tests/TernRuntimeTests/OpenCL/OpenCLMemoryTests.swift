// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite("OpenCL memory", .serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLMemoryTests {
  @Test func bytesComeBackAtEveryOffset() throws {
    let backend = try OpenCLSupport.privateBackend()
    let storage = backend.storage(of: [UInt8](repeating: 7, count: 1000))
    [UInt8](1...5).withUnsafeBytes { backend.upload($0, to: storage, byteOffset: 333) }
    var part = [UInt8](repeating: 0, count: 7)
    try part.withUnsafeMutableBytes { try backend.download(storage, byteOffset: 332, into: $0) }
    #expect(part == [7, 1, 2, 3, 4, 5, 7])
  }

  @Test func sourceMayBeReusedAsSoonAsUploadReturns() throws {
    let backend = try OpenCLSupport.privateBackend()
    var source = [Int32](repeating: 0, count: 1 << 16)
    let storages = (0..<20).map { round -> Storage in
      for i in source.indices { source[i] = Int32(round) }
      let storage = backend.storage(of: source)
      for i in source.indices { source[i] = -1 }
      return storage
    }
    for (round, storage) in storages.enumerated() {
      #expect(try backend.array(Int32.self, 1 << 16, from: storage).allSatisfy { $0 == Int32(round) })
    }
    #expect(backend.statistics.hostSyncs == 20)  // one for each download, none for the uploads
  }

  @Test func secondStepAllocatesNothing() throws {
    let backend = try OpenCLSupport.privateBackend()
    func step() throws {
      let a = backend.storage(of: [Float](repeating: 1, count: 500))
      let b = backend.storage(of: [Float](repeating: 2, count: 40_000))
      _ = try backend.array(Float.self, 1, from: a) + backend.array(Float.self, 1, from: b)
    }
    try step()
    let before = backend.statistics
    for _ in 0..<10 { try step() }
    let change = backend.statistics - before
    #expect(change.deviceAllocations == 0)
    #expect(change.bytesUploaded == 10 * 4 * 40_500)
    #expect(change.bytesDownloaded == 10 * 8)
    #expect(change.hostSyncs == 20)
    #expect(backend.memory.inUse == 0)
    #expect(backend.memory.pooled >= 4 * 40_500)
    backend.emptyPool()
    #expect(backend.memory.pooled == 0)
  }

  @Test func limitIsAnErrorThatSaysSoAndPassesWhenMemoryIsFreed() throws {
    let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(memoryLimit: 1 << 20))
    var held: Storage? = backend.allocate(byteCount: 900_000)
    let refused = backend.allocate(byteCount: 900_000)
    #expect(refused.buffer == nil)
    let error = #expect(throws: TernError.self) { try backend.synchronize() }
    #expect(error?.code == .outOfMemory)
    for part in ["900000", "TERN_MEMORY_LIMIT allows 1048576"] {
      #expect(error?.message.contains(part) == true, "\(error!)")
    }
    // What was never allocated stays unusable, and says so each time.
    #expect(throws: TernError.self) { try backend.array(UInt8.self, 1, from: refused) }
    held = nil
    #expect(backend.allocate(byteCount: 800_000).buffer != nil)  // another class: the pool was emptied for it
    try backend.synchronize()
    withExtendedLifetime(held) {}
  }

  @Test func blockLargerThanTheDeviceIsOutOfMemory() throws {
    let backend = try OpenCLSupport.privateBackend()
    #expect(backend.allocate(byteCount: 1 << 50).buffer == nil)
    let error = #expect(throws: TernError.self) { try backend.synchronize() }
    #expect(error?.code == .outOfMemory)
    #expect(error?.remedy.isEmpty == false)
  }

  @Test func launchesFromManyThreadsAllArrive() async throws {
    let backend = try OpenCLSupport.privateBackend()
    let sums = try await withThrowingTaskGroup(of: Float.self) { group in
      for task in 0..<8 {
        group.addTask {
          let count = 100 + task
          var x = StridedView(backend.storage(of: [Float](repeating: 1, count: count)), .float32, shape: [count])
          for _ in 0..<20 {
            let y = StridedView(backend.allocate(byteCount: 4 * count), .float32, shape: [count])
            backend.pointwise(OpenCLPointwiseTests.add, [PointwiseOperands(inputs: [x, x], outputs: [y])])
            x = y
          }
          return try backend.array(Float.self, count, from: x.storage).reduce(0, +) / Float(count)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(sums == [Float](repeating: 0x1p20, count: 8))
    #expect(backend.statistics.launches == 160)
  }

  @Test func unreadWorkDoesNotPileUp() throws {
    // More commands than the host may run ahead; the queue holds the caller back instead of growing.
    let backend = try OpenCLSupport.privateBackend()
    let x = StridedView(backend.storage(of: [Float](repeating: 0, count: 8)), .float32, shape: [8])
    let one = StridedView(backend.storage(of: [Float](repeating: 1, count: 8)), .float32, shape: [8])
    for _ in 0..<7000 {
      backend.pointwise(OpenCLPointwiseTests.add, [PointwiseOperands(inputs: [x, one], outputs: [x])])
    }
    #expect(try backend.array(Float.self, 8, from: x.storage) == [Float](repeating: 7000, count: 8))
  }
}
