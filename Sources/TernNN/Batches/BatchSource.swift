// SPDX-License-Identifier: MIT
import Tern

/// Where a source of batches stands: the next batch to be given out is number `batch` of epoch `epoch`.
///
/// Together with the seed this names every batch to come, so a training run that stops here goes on exactly.
public struct BatchPosition: Sendable, Hashable, Codable {
  /// Passes over the data that are complete.
  public var epoch: Int
  /// Batches of the present epoch that were given out.
  public var batch: Int
  /// The seed of the order; sources without a random order leave it 0.
  public var seed: UInt64

  /// A position; the very beginning by default. Whether a source has it is checked by its `restore`.
  public init(epoch: Int = 0, batch: Int = 0, seed: UInt64 = 0) {
    self.epoch = epoch
    self.batch = batch
    self.seed = seed
  }
}

/// Gives out batches, epoch after epoch, in an order that depends only on its seed and the epoch's number.
///
/// A source that prepares batches ahead reports the position of what was *given out*, not of what is prepared.
public protocol BatchSource: AnyObject {
  /// Samples in an epoch.
  var sampleCount: Int { get }
  /// Batches in an epoch.
  var batchCount: Int { get }
  /// Where the source stands.
  var position: BatchPosition { get }

  /// The next batch, or nil once at the end of each epoch; the call after that begins the next epoch.
  ///
  /// - Throws: what went wrong while the batch was read or prepared.
  func next() throws -> Batch?

  /// Goes to a position that this source, or an equal one in an earlier run, has reported, and adopts its seed.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` when there is no such batch.
  func restore(_ position: BatchPosition) throws
}

extension BatchSource {
  /// The check that every `restore` begins with: whether the position lies within an epoch of this source.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` if not.
  public func checkExists(_ position: BatchPosition) throws {
    if position.epoch < 0 || position.batch < 0 || position.batch > batchCount {
      throw TernError(
        .checkpointMismatch,
        "batch \(position.batch) of epoch \(position.epoch) does not exist: "
          + "the data has \(batchCount) batches an epoch",
        remedy: "resume with the data and the batch size that the checkpoint was made with")
    }
  }
}
