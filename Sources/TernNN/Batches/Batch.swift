// SPDX-License-Identifier: MIT
import Tern

/// Some samples and what is known of them, stacked along the first axis.
public struct Batch: Sendable {
  /// What the model reads, `[N, ...]`.
  public var inputs: Tensor
  /// What the loss compares the outputs with: class indices `[N]`, or targets.
  public var labels: Tensor
  /// Anything else that a model or a loss wants: masks, weights, second inputs.
  public var others: [String: Tensor]

  /// A batch of tensors with one row a sample each; nothing is checked here.
  public init(inputs: Tensor, labels: Tensor, others: [String: Tensor] = [:]) {
    self.inputs = inputs
    self.labels = labels
    self.others = others
  }

  /// Samples in the batch.
  public var count: Int { inputs.shape.first ?? 1 }

  /// The same batch with all tensors on a device; costs nothing for those that are there.
  ///
  /// - Throws: what went wrong on the device that the tensors come from.
  public func on(_ device: Device) throws -> Batch {
    Batch(
      inputs: try inputs.on(device), labels: try labels.on(device), others: try others.mapValues { try $0.on(device) })
  }
}
