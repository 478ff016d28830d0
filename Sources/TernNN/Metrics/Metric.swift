// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A number that tells how good a model is: the mean of a score over all samples.
public struct Metric: Sendable {
  /// What histories and reports call it.
  public let name: String
  private let scores: @Sendable (_ outputs: Tensor, _ batch: Batch) -> Tensor

  /// A metric of your own.
  ///
  /// - Parameters:
  ///   - name: what histories and reports call it; of metrics of one name the last one is kept.
  ///   - scores: one score a sample, `[N]`, as a tensor; it is not read from the device before the end. Another shape
  ///     traps.
  public init(_ name: String, scores: @escaping @Sendable (_ outputs: Tensor, _ batch: Batch) -> Tensor) {
    self.name = name
    self.scores = scores
  }

  /// The sum of the scores of a batch: a scalar.
  func sum(_ outputs: Tensor, _ batch: Batch) -> Tensor {
    let scores = scores(outputs, batch)
    require(
      scores.shape == [batch.count],
      "Metric '\(name)': must give one score for each of \(batch.count) samples, got shape \(scores.shape)")
    return scores.cast(to: .float32).sum()
  }

  /// The share of samples whose largest output `[N, K]` is at the label `[N]`.
  public static let accuracy = Metric("accuracy") { outputs, batch in
    (outputs.argMax(along: 1) .== batch.labels.cast(to: .int64)).cast(to: .float32)
  }

  /// The share of samples whose output, a logit, is on the side of 0 that the label, 0 or 1, says.
  public static let binaryAccuracy = Metric("binary accuracy") { outputs, batch in
    let (outputs, labels) = (outputs.flattened(), batch.labels.flattened())
    return ((outputs .> 0) .== (labels.cast(to: .float32) .> Float(0.5))).cast(to: .float32)
  }
}
