// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// Cuts a data set into batches, in a new random order each epoch, and prepares the next ones on another thread.
///
/// The order of an epoch depends on the seed and the epoch's number only: equal on every device, and known again after
/// a `restore`. Batches are prepared in host memory and copied to the device when they are given out, so the device's
/// work is in one order, with and without prefetch.
///
///     let digits = ImageDataset.digits(count: 1_000, split: .train)
///     let loader = DataLoader(NormalizedImages(digits), batchSize: 32, shuffles: true, seed: 1)
///     while let batch = try loader.next() { print(batch.inputs.shape) }   // [32, 1, 28, 28]
public final class DataLoader: BatchSource {
  private let dataset: any Dataset
  private let device: Device
  private let order: EpochOrder
  private let prefetch: Int
  /// Makes the batches here (`prefetch` 0), or on the prefetcher's thread; nil until the first batch after a move.
  private var maker: BatchMaker?
  private var prefetcher: Prefetcher<HostBatch>?

  /// Where the loader stands: what `next` gives out next, not what has been prepared.
  public private(set) var position: BatchPosition
  /// Batches in an epoch, with the smaller last one unless it is dropped.
  public var batchCount: Int { order.batchCount }
  /// Samples in an epoch, without the remainder where that is dropped.
  public var sampleCount: Int { order.dropsRemainder ? batchCount * order.batchSize : order.sampleCount }

  /// A loader from the start of epoch 0. Its thread starts with the first batch.
  ///
  /// - Parameters:
  ///   - batchSize: samples in a batch.
  ///   - shuffles: whether each epoch has its own random order.
  ///   - seed: of the order.
  ///   - dropsRemainder: whether the last, smaller batch of an epoch is left out.
  ///   - prefetch: batches prepared ahead; 0 prepares each when it is asked for, without a thread.
  ///   - device: where batches go; `Device.current` if nil.
  /// - Precondition: there is at least one batch, the batch size is positive, and `prefetch` is not negative.
  public init(
    _ dataset: any Dataset, batchSize: Int, shuffles: Bool = false, seed: UInt64 = 0, dropsRemainder: Bool = false,
    prefetch: Int = 2, on device: Device? = nil
  ) {
    require(batchSize > 0, "DataLoader: batch size must be positive, got \(batchSize)")
    require(prefetch >= 0, "DataLoader: prefetch must not be negative, got \(prefetch)")
    self.dataset = dataset
    self.device = device ?? .current
    self.prefetch = prefetch
    order = EpochOrder(
      sampleCount: dataset.count, batchSize: batchSize, shuffles: shuffles, dropsRemainder: dropsRemainder)
    position = BatchPosition(seed: seed)
    require(
      order.batchCount > 0,
      "DataLoader: \(dataset.count) samples make no batch of \(batchSize)"
        + (dropsRemainder ? " (remainder dropped)" : ""))
  }

  /// The next batch, inputs `[N, ...]` in Float32 and labels `[N]` in `int32`, or nil once at the end of each epoch.
  ///
  /// - Throws: what the data set throws while it reads, and `TernError` with code `setting` when the system refuses a
  ///   thread.
  public func next() throws -> Batch? {
    let host = try nextOnHost()
    position = order.successor(of: position)
    guard let host else { return nil }
    return Batch(
      inputs: Tensor(host.inputs, shape: [host.labels.count] + dataset.inputShape, on: device),
      labels: Tensor(host.labels, on: device))
  }

  /// Goes to a position and lets go of what has been prepared.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` when there is no such batch.
  public func restore(_ position: BatchPosition) throws {
    try checkExists(position)
    maker = nil
    prefetcher = nil
    self.position = position
  }

  private func nextOnHost() throws -> HostBatch? {
    guard position.batch < batchCount else { return nil }
    if prefetch == 0 {
      maker = maker ?? BatchMaker(dataset, order, at: position)
      return try maker?.next()
    }
    if prefetcher == nil {
      let maker = Lock(BatchMaker(dataset, order, at: position))
      prefetcher = try Prefetcher(depth: prefetch) { try maker.withLock { try $0.next() } }
    }
    return try prefetcher?.next()
  }
}

/// A batch before it goes to a device.
struct HostBatch: Sendable {
  let inputs: [Float]
  let labels: [Int32]
}

/// Makes one batch after the other, across the ends of epochs.
private struct BatchMaker {
  private let dataset: any Dataset
  private var order: EpochOrder
  private var position: BatchPosition

  init(_ dataset: any Dataset, _ order: EpochOrder, at position: BatchPosition) {
    self.dataset = dataset
    self.order = order
    self.position = position
  }

  mutating func next() throws -> HostBatch {
    if order.rows(at: position) == nil { position = order.successor(of: position) }  // behind an epoch's last batch
    guard let rows = order.rows(at: position) else { trap("DataLoader: an epoch without batches") }
    let batch = try read(rows)
    position = order.successor(of: position)
    return batch
  }

  private func read(_ rows: ArraySlice<Int>) throws -> HostBatch {
    let size = dataset.inputShape.reduce(1, *)
    var labels = [Int32](repeating: 0, count: rows.count)
    let inputs = try [Float](unsafeUninitializedCapacity: rows.count * size) { inputs, initialized in
      try labels.withUnsafeMutableBufferPointer { try dataset.read(rows, inputs: inputs, labels: $0) }
      initialized = rows.count * size
    }
    return HostBatch(inputs: inputs, labels: labels)
  }
}
