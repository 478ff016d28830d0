// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Compares outputs with what a batch says of them: one number.
public typealias BatchLoss = (_ outputs: Tensor, _ batch: Batch) -> Tensor

/// Measures a model on data, in inference mode, from where the source stands to the end of its epoch.
///
/// The device is waited for once in 256 batches.
///
/// - Parameters:
///   - forward: what the model makes of a batch.
///   - loss: the mean loss of a batch.
/// - Returns: means over all samples.
/// - Throws: what the source or the device reports.
public func evaluate<Model: Module>(
  _ model: Model, on source: any BatchSource, metrics: [Metric] = [.accuracy],
  forward: (Model, Batch) -> Tensor, loss: BatchLoss = { crossEntropy($0, $1.labels) }
) throws -> EvaluationResult {
  let clock = ContinuousClock()
  let start = clock.now
  let device = model.contents().device
  var totals = [Double](repeating: 0, count: 1 + metrics.count)
  var sampleCount = 0
  var counts: [Int] = []
  var scalars = DeferredScalars()
  func collect() throws {
    let values = try scalars.read()
    for (index, value) in values.enumerated() {
      let column = index % totals.count
      // The loss is a mean over its batch, the metrics are sums.
      totals[column] += Double(value) * (column == 0 ? Double(counts[index / totals.count]) : 1)
    }
    counts.removeAll(keepingCapacity: true)
  }
  try withMode(.inference) {
    while var batch = try source.next() {
      if let device { batch = try batch.on(device) }
      let outputs = forward(model, batch)
      scalars.append(loss(outputs, batch))
      for metric in metrics { scalars.append(metric.sum(outputs, batch)) }
      counts.append(batch.count)
      sampleCount += batch.count
      if counts.count == 256 { try collect() }
    }
    try collect()
  }
  let count = Double(max(sampleCount, 1))
  return EvaluationResult(
    loss: totals[0] / count,
    metrics: Dictionary(zip(metrics.map(\.name), totals.dropFirst().map { $0 / count })) { $1 },
    sampleCount: sampleCount, seconds: start.duration(to: clock.now).seconds)
}

/// Measures a model that maps a batch's inputs to outputs.
public func evaluate(
  _ model: some Layer, on source: any BatchSource, metrics: [Metric] = [.accuracy],
  loss: BatchLoss = { crossEntropy($0, $1.labels) }
) throws -> EvaluationResult {
  try evaluate(model, on: source, metrics: metrics, forward: { $0($1.inputs) }, loss: loss)
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
