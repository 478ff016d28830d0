// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// Which samples make up which batch. Any epoch's order is known without the ones before it.
struct EpochOrder {
  let sampleCount: Int
  let batchSize: Int
  let shuffles: Bool
  let dropsRemainder: Bool
  /// Epoch 0's stream of the random generator: apart from those that weights are drawn from with the same seed.
  private static let firstStream: UInt64 = 1 << 32
  private var permutation: (seed: UInt64, epoch: Int, rows: [Int])?

  init(sampleCount: Int, batchSize: Int, shuffles: Bool, dropsRemainder: Bool) {
    self.sampleCount = sampleCount
    self.batchSize = batchSize
    self.shuffles = shuffles
    self.dropsRemainder = dropsRemainder
  }

  var batchCount: Int {
    dropsRemainder ? sampleCount / batchSize : (sampleCount + batchSize - 1) / batchSize
  }

  /// The samples of the batch at a position, in order; nil behind an epoch's last batch.
  mutating func rows(at position: BatchPosition) -> ArraySlice<Int>? {
    guard position.batch < batchCount else { return nil }
    let start = position.batch * batchSize
    return order(position)[start..<min(start + batchSize, sampleCount)]
  }

  /// The position that follows: the next batch, or the next epoch's first behind an epoch's last.
  func successor(of position: BatchPosition) -> BatchPosition {
    var next = position
    if position.batch < batchCount {
      next.batch += 1
    } else {
      next.epoch += 1
      next.batch = 0
    }
    return next
  }

  private mutating func order(_ position: BatchPosition) -> [Int] {
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
