// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Batches cut from tensors that hold the whole data set, in order or shuffled anew each epoch.
///
/// The order of an epoch depends on the seed and the epoch's number only, and is that of a `DataLoader` with the same
/// seed. Rows are gathered on the tensors' device.
public final class TensorBatches: BatchSource {
  private let inputs: Tensor
  private let labels: Tensor
  private var order: EpochOrder
  /// The order of the epoch at work, on the tensors' device.
  private var shuffledRows: Tensor?

  /// Where the source stands: what `next` gives out next.
  public private(set) var position: BatchPosition
  /// Samples in an epoch, without the remainder where that is dropped.
  public var sampleCount: Int { order.dropsRemainder ? batchCount * order.batchSize : order.sampleCount }
  /// Batches in an epoch, with the smaller last one unless it is dropped.
  public var batchCount: Int { order.batchCount }

  /// Batches from the start of epoch 0.
  ///
  /// - Parameters:
  ///   - inputs: `[N, ...]`.
  ///   - labels: `[N, ...]`, on the same device.
  ///   - batchSize: samples in a batch.
  ///   - shuffles: whether each epoch has its own random order.
  ///   - seed: of the order.
  ///   - dropsRemainder: whether the last, smaller batch of an epoch is left out.
  /// - Precondition: inputs and labels have equally many rows, and the batch size is positive.
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
    order = EpochOrder(
      sampleCount: inputs.shape[0], batchSize: batchSize, shuffles: shuffles, dropsRemainder: dropsRemainder)
    position = BatchPosition(seed: seed)
  }

  /// The next batch, `[batchSize, ...]`, or nil once at the end of each epoch. Without shuffling it is a view.
  public func next() -> Batch? {
    defer { position = order.successor(of: position) }
    guard let range = order.range(at: position) else {
      shuffledRows = nil
      return nil
    }
    func cut(_ tensor: Tensor) -> Tensor { tensor.sliced(along: 0, from: range.lowerBound, to: range.upperBound) }
    guard order.shuffles else { return Batch(inputs: cut(inputs), labels: cut(labels)) }
    let all = shuffledRows ?? Tensor(order.order(position), on: inputs.device)
    shuffledRows = all
    let rows = cut(all)
    return Batch(inputs: inputs.gathered(rows: rows), labels: labels.gathered(rows: rows))
  }

  /// Goes to a position; the order of its epoch is found again from the seed.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` when there is no such batch.
  public func restore(_ position: BatchPosition) throws {
    try checkExists(position)
    self.position = position
    shuffledRows = nil
  }
}
