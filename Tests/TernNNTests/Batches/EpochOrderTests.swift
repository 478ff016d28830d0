// SPDX-License-Identifier: MIT
import Tern
import Testing

@testable import TernNN

@Suite struct EpochOrderTests {
  @Test(arguments: [
    (10, 3, false, 4), (10, 3, true, 3), (9, 3, false, 3), (2, 5, false, 1), (2, 5, true, 0), (7, .max, false, 1),
  ])
  func countsBatches(samples: Int, batchSize: Int, drops: Bool, batches: Int) {
    let order = EpochOrder(sampleCount: samples, batchSize: batchSize, shuffles: false, dropsRemainder: drops)
    #expect(order.batchCount == batches)
  }

  @Test func everySampleComesOnceAnEpochInAnOrderOfItsOwn() {
    var order = EpochOrder(sampleCount: 101, batchSize: 8, shuffles: true, dropsRemainder: false)
    var epochs: [[Int]] = []
    for (seed, epoch) in [(1, 0), (1, 1), (2, 0)] as [(UInt64, Int)] {
      let rows = (0..<order.batchCount).flatMap { batch in
        Array(order.rows(at: BatchPosition(epoch: epoch, batch: batch, seed: seed))!)
      }
      #expect(rows.sorted() == Array(0..<101))
      #expect(order.rows(at: BatchPosition(epoch: epoch, batch: order.batchCount, seed: seed)) == nil)
      epochs.append(rows)
    }
    #expect(Set(epochs).count == 3)
    // Known again without the epochs before it.
    var fresh = EpochOrder(sampleCount: 101, batchSize: 8, shuffles: true, dropsRemainder: false)
    #expect(Array(fresh.rows(at: BatchPosition(epoch: 1, batch: 2, seed: 1))!) == Array(epochs[1][16..<24]))
  }

  @Test func ordersAndWeightsDrawOtherWords() {
    // A generator's first draws fill the weights of a model; none of them may be an epoch's permutation.
    let weights = RandomGenerator(seed: 9)
    let first = (0..<64).map { _ in weights.permutation(of: 50) }
    var order = EpochOrder(sampleCount: 50, batchSize: 50, shuffles: true, dropsRemainder: false)
    for epoch in 0..<64 { #expect(!first.contains(order.order(BatchPosition(epoch: epoch, seed: 9)))) }
  }

  @Test func unshuffledOrderIsTheDataSets() {
    var order = EpochOrder(sampleCount: 5, batchSize: 2, shuffles: false, dropsRemainder: false)
    #expect((0..<3).map { Array(order.rows(at: BatchPosition(batch: $0))!) } == [[0, 1], [2, 3], [4]])
  }

  @Test func successorPassesTheEndOfAnEpochOnce() {
    let order = EpochOrder(sampleCount: 4, batchSize: 2, shuffles: false, dropsRemainder: false)
    var position = BatchPosition(seed: 3), visited: [[Int]] = []
    for _ in 0..<4 {
      visited.append([position.epoch, position.batch])
      position = order.successor(of: position)
    }
    #expect(visited == [[0, 0], [0, 1], [0, 2], [1, 0]])
    #expect(position.seed == 3)
  }
}
