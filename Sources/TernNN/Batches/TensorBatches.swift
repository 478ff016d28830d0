// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Batches cut from tensors that hold the whole data set, in order or shuffled anew each epoch.
///
/// The permutation of epoch `e` is drawn from a generator seeded with the source's seed and moved to stream `e`, so that
/// any epoch's order is known without the ones before it. Rows are gathered on the tensors' device.
public final class TensorBatches: BatchSource {
  private let inputs: Tensor
  private let labels: Tensor
  private let batchSize: Int
  private let shuffles: Bool
  private let dropsRemainder: Bool
  private var order: (epoch: Int, rows: Tensor)?

  public private(set) var position: BatchPosition
  public var sampleCount: Int { dropsRemainder ? batchCount * batchSize : labels.shape[0] }
  public let batchCount: Int

  /// - Parameters:
  ///   - inputs: `[N, ...]`.
  ///   - labels: `[N, ...]`, on the same device.
  ///   - shuffles: whether each epoch has its own random order.
  ///   - seed: of the order.
  ///   - dropsRemainder: whether the last, smaller batch of an epoch is left out.
  public init(
    inputs: Tensor, labels: Tensor, batchSize: Int, shuffles: Bool = false, seed: UInt64 = 0,
    dropsRemainder: Bool = false
  ) {
    require(batchSize > 0, "TensorBatches: batch size must be positive, got \(batchSize)")
    require(
      inputs.rank > 0 && labels.rank > 0 && inputs.shape[0] == labels.shape[0],
      "TensorBatches: inputs and labels must have one row a sample, got \(inputs.shape) and \(labels.shape)")
    self.inputs = inputs
    self.labels = labels
    self.batchSize = batchSize
    self.shuffles = shuffles
    self.dropsRemainder = dropsRemainder
    let samples = inputs.shape[0]
    batchCount = dropsRemainder ? samples / batchSize : (samples + batchSize - 1) / batchSize
    position = BatchPosition(seed: seed)
  }

  public func next() -> Batch? {
    if position.batch >= batchCount {
      position.epoch += 1
      position.batch = 0
      return nil
    }
    let start = position.batch * batchSize
    let end = min(start + batchSize, inputs.shape[0])
    position.batch += 1
    guard shuffles else {
      return Batch(
        inputs: inputs.sliced(along: 0, from: start, to: end), labels: labels.sliced(along: 0, from: start, to: end))
    }
    let rows = shuffledRows().sliced(along: 0, from: start, to: end)
    return Batch(inputs: inputs.gathered(rows: rows), labels: labels.gathered(rows: rows))
  }

  public func restore(_ position: BatchPosition) throws {
    try checkExists(position)
    self.position = position
    order = nil
  }

  private func shuffledRows() -> Tensor {
    if let order, order.epoch == position.epoch { return order.rows }
    let generator = RandomGenerator(seed: position.seed)
    generator.state.stream = UInt64(position.epoch)
    let rows = Tensor(generator.permutation(of: inputs.shape[0]), on: inputs.device)
    order = (position.epoch, rows)
    return rows
  }
}
