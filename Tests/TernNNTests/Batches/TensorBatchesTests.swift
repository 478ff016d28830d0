// SPDX-License-Identifier: MIT
import Tern
import Testing

@testable import TernNN

@Suite struct TensorBatchesTests {
  /// Rows that say their own number, in 10 samples.
  private func source(
    batchSize: Int = 4, shuffles: Bool = true, seed: UInt64 = 5, dropsRemainder: Bool = false, on device: Device = .cpu
  ) -> TensorBatches {
    TensorBatches(
      inputs: Tensor((0..<20).map { Float($0 / 2) }, shape: [10, 2], on: device),
      labels: Tensor(Array(0..<10), on: device), batchSize: batchSize, shuffles: shuffles, seed: seed,
      dropsRemainder: dropsRemainder)
  }

  /// The labels of an epoch, batch by batch.
  private func epoch(_ source: TensorBatches) throws -> [[Int]] {
    var batches: [[Int]] = []
    while let batch = source.next() {
      let labels = try batch.labels.scalars(as: Int.self)
      #expect(try batch.inputs.scalars(as: Float.self) == labels.flatMap { [Float($0), Float($0)] })
      batches.append(labels)
    }
    return batches
  }

  @Test func inOrderWithoutShuffling() throws {
    let source = source(shuffles: false)
    for _ in 0..<2 { #expect(try epoch(source) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]) }
    #expect(try epoch(self.source(shuffles: false, dropsRemainder: true)) == [[0, 1, 2, 3], [4, 5, 6, 7]])
  }

  @Test(arguments: Device.all) func everyEpochHasItsOwnOrder(_ device: Device) throws {
    let source = source(on: device)
    let epochs = try (0..<3).map { _ in try epoch(source).flatMap { $0 } }
    for order in epochs { #expect(order.sorted() == Array(0..<10)) }
    #expect(Set(epochs).count == 3)
    let again = self.source(on: .cpu)
    #expect(try (0..<3).map { _ in try epoch(again).flatMap { $0 } } == epochs, "the order depends on the device")
    #expect(try epoch(self.source(seed: 6)).flatMap { $0 } != epochs[0])
  }

  @Test func ordersAreThoseOfTheSharedEpochOrder() throws {
    let source = source()
    var order = EpochOrder(sampleCount: 10, batchSize: 4, shuffles: true, dropsRemainder: false)
    for number in 0..<3 {
      #expect(try epoch(source).flatMap { $0 } == order.order(BatchPosition(epoch: number, seed: 5)))
    }
  }

  @Test func anyPositionCanBeRestored() throws {
    let source = source()
    var all: [(BatchPosition, [Int]?)] = []
    for _ in 0..<10 {
      let position = source.position
      all.append((position, try source.next()?.labels.scalars(as: Int.self)))
    }
    #expect(all.map { $0.1 == nil } == [false, false, false, true, false, false, false, true, false, false])
    for (position, labels) in all.reversed() {
      let other = self.source(seed: 99)
      try other.restore(position)
      #expect(try other.next()?.labels.scalars(as: Int.self) == labels, "\(position)")
    }
  }

  @Test func aPositionBeyondTheDataIsRefused() {
    expectError(.checkpointMismatch, "batch 4", "3 batches") {
      try source().restore(BatchPosition(epoch: 0, batch: 4, seed: 5))
    }
  }

  @Test func nonsenseTraps() async {
    await #expect(processExitsWith: .failure) {
      _ = TensorBatches(inputs: Tensor.zeros([3, 1]), labels: Tensor.zeros([3]), batchSize: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = TensorBatches(inputs: Tensor.zeros([3, 1]), labels: Tensor.zeros([4]), batchSize: 1)
    }
  }
}
