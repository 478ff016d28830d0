// SPDX-License-Identifier: MIT
import Tern
import TernData
import TernNN
import Testing

@Suite(.timeLimit(.minutes(10))) struct DataLoaderTests {
  private let images = ImageDataset(
    pixels: (0..<11 * 2 * 3).map { UInt8($0) }, labels: (0..<11).map { UInt8($0) }, height: 2, width: 3)

  private func loader(
    prefetch: Int = 2, shuffles: Bool = true, dropsRemainder: Bool = false, on device: Device = .cpu
  ) -> DataLoader {
    DataLoader(
      NormalizedImages(images, .unit), batchSize: 4, shuffles: shuffles, seed: 5, dropsRemainder: dropsRemainder,
      prefetch: prefetch, on: device)
  }

  /// The labels of the next batches; nil where an epoch ends.
  private func labels(_ loader: DataLoader, calls: Int) throws -> [[Int32]?] {
    try (0..<calls).map { _ in try loader.next()?.labels.scalars(as: Int32.self) }
  }

  @Test(arguments: Device.all) func batchesHoldNormalizedImagesAndTheirLabels(device: Device) throws {
    let loader = loader(shuffles: false, on: device)
    #expect(loader.batchCount == 3 && loader.sampleCount == 11)
    var seen = 0
    while let batch = try loader.next() {
      #expect(batch.inputs.device == device && batch.labels.device == device && batch.labels.dtype == .int32)
      #expect(batch.inputs.shape == [batch.count, 1, 2, 3])
      let inputs = try batch.inputs.scalars(as: Float.self)
      for i in 0..<inputs.count { #expect(inputs[i] == Float(seen * 6 + i) / 255) }
      #expect(try batch.labels.scalars(as: Int32.self) == (0..<batch.count).map { Int32(seen + $0) })
      seen += batch.count
    }
    #expect(seen == 11)
  }

  @Test func prefetchChangesNothing() throws {
    let reference = try labels(loader(prefetch: 0), calls: 13)
    for prefetch in [1, 2, 9] { #expect(try labels(loader(prefetch: prefetch), calls: 13) == reference) }
    #expect(reference[3] == nil && reference[7] == nil)
    #expect(Set(reference[..<3].flatMap { $0 ?? [] }) == Set(0..<11))
    #expect(reference[..<3] != reference[4..<7])
  }

  @Test func droppedRemaindersNeverCome() throws {
    let loader = loader(dropsRemainder: true)
    #expect(loader.batchCount == 2 && loader.sampleCount == 8)
    #expect(try labels(loader, calls: 6).map { $0?.count } == [4, 4, nil, 4, 4, nil])
  }

  @Test(arguments: [0, 2]) func anyPositionIsResumedExactly(prefetch: Int) throws {
    let calls = 12
    let reference = try labels(loader(prefetch: prefetch), calls: calls)
    for stop in 0..<calls {
      let first = loader(prefetch: prefetch)
      _ = try labels(first, calls: stop)
      let second = DataLoader(
        NormalizedImages(images, .unit), batchSize: 4, shuffles: true, seed: 99, prefetch: prefetch, on: .cpu)
      _ = try second.next()  // has prepared batches of another order, which must not come
      try second.restore(first.position)
      #expect(try labels(second, calls: calls - stop) == Array(reference[stop...]), "stopped after \(stop) calls")
    }
  }

  @Test func refusesPositionsThatDoNotExist() {
    let error = #expect(throws: TernError.self) { try loader().restore(BatchPosition(epoch: 0, batch: 4)) }
    #expect(error?.code == .checkpointMismatch)
  }

  @Test(arguments: [0, 2]) func failuresOfTheDataComeOutOfNext(prefetch: Int) throws {
    struct Unreadable: Dataset {
      let count = 8
      let inputShape = [2]
      func read(
        _ rows: ArraySlice<Int>, inputs: UnsafeMutableBufferPointer<Float>, labels: UnsafeMutableBufferPointer<Int32>
      ) throws {
        inputs.initialize(repeating: 0)
        if rows.contains(5) { throw TernError(.file, "row 5 cannot be read") }
      }
    }
    let loader = DataLoader(Unreadable(), batchSize: 2, prefetch: prefetch, on: .cpu)
    for _ in 0..<2 { #expect(try loader.next()?.inputs.shape == [2, 2]) }
    for _ in 0..<2 {
      let error = #expect(throws: TernError.self) { try loader.next() }
      #expect(error?.message == "row 5 cannot be read")
      #expect(loader.position.batch == 2)
    }
  }
}
