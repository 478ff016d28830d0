// SPDX-License-Identifier: MIT
import Tern

/// Which samples make up which batch. Any epoch's order is known without the ones before it.
package struct EpochOrder {
  package let sampleCount: Int
  package let batchSize: Int
  package let shuffles: Bool
  package let dropsRemainder: Bool
  /// Epoch 0's stream of the random generator: apart from the first ones, which weights are drawn from with the same
  /// seed.
  private static let firstStream: UInt64 = 1 << 32
  private var permutation: (seed: UInt64, epoch: Int, rows: [Int])?

  package init(sampleCount: Int, batchSize: Int, shuffles: Bool, dropsRemainder: Bool) {
    self.sampleCount = sampleCount
    self.batchSize = batchSize
    self.shuffles = shuffles
    self.dropsRemainder = dropsRemainder
  }

  package var batchCount: Int {
    // No sum of the two: a batch size may be any number.
    sampleCount / batchSize + (dropsRemainder || sampleCount % batchSize == 0 ? 0 : 1)
  }

  /// The places of a batch in its epoch's order; nil behind the epoch's last batch.
  package func range(at position: BatchPosition) -> Range<Int>? {
    guard position.batch < batchCount else { return nil }
    let start = position.batch * batchSize
    return start..<start + min(batchSize, sampleCount - start)
  }

  /// The samples of the batch at a position, in order; nil behind an epoch's last batch.
  package mutating func rows(at position: BatchPosition) -> ArraySlice<Int>? {
    range(at: position).map { order(position)[$0] }
  }

  /// The position that follows: the next batch, or the next epoch's first behind an epoch's last.
  package func successor(of position: BatchPosition) -> BatchPosition {
    var next = position
    if position.batch < batchCount {
      next.batch += 1
    } else {
      next.epoch += 1
      next.batch = 0
    }
    return next
  }

  /// All samples in the order of the position's epoch.
  package mutating func order(_ position: BatchPosition) -> [Int] {
    if let permutation, permutation.epoch == position.epoch, permutation.seed == position.seed {
      return permutation.rows
    }
    var rows = Array(0..<sampleCount)
    if shuffles {
      let generator = RandomGenerator(seed: position.seed)
      generator.state.stream = Self.firstStream + UInt64(position.epoch)
      rows = generator.permutation(of: sampleCount)
    }
    permutation = (position.seed, position.epoch, rows)
    return rows
  }
}
