// SPDX-License-Identifier: MIT

/// What an evaluation found.
public struct EvaluationResult: Sendable, Hashable, Codable {
  /// The mean loss over all samples.
  public var loss: Double
  /// Means of the metrics over all samples, by the metrics' names.
  public var metrics: [String: Double]
  /// Samples that were measured.
  public var sampleCount: Int
  /// Wall-clock time from the first batch to the last number read.
  public var seconds: Double
}

/// What an epoch of training gave.
public struct EpochResult: Sendable, Hashable, Codable {
  /// The epoch's number, from 1.
  public var epoch: Int
  /// The mean loss over the epoch's samples, each measured before the step that learned from it.
  public var trainLoss: Double
  /// What the validation data gave after the epoch, if there are any.
  public var validation: EvaluationResult?
  /// The learning rate of the epoch's last step.
  public var learningRate: Double
  /// Time spent in training, without validation and checkpoints.
  public var seconds: Double
  /// Samples over `seconds`; 0 when no time has passed.
  public var samplesPerSecond: Double

  /// What schedules look at.
  var measuredLoss: Double { validation?.loss ?? trainLoss }
}

/// How a training run went.
public struct History: Sendable, Hashable, Codable {
  /// All epochs that are complete, also those before a resumption.
  public var epochs: [EpochResult] = []
  /// Steps taken, also those before a resumption.
  public var steps = 0
  /// Whether the run ended early because of an interrupt. Resume from the checkpoint to go on.
  public var wasInterrupted = false

  /// The history of a run that has not begun.
  public init() {}

  /// The mean loss of each complete epoch, in order.
  public var trainLosses: [Double] { epochs.map(\.trainLoss) }
}

/// What `fit` tells while it works.
public enum TrainingEvent: Sendable {
  /// Losses have arrived from the device: that of step `firstStep` (from 1), the next one's, and so on, without a gap.
  case losses(firstStep: Int, losses: [Float])
  /// An epoch is complete, with its validation.
  case epoch(EpochResult)
  /// A checkpoint is complete.
  case checkpoint(path: String)
}
