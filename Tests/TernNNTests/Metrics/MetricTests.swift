// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct MetricTests {
  @Test(arguments: Device.all) func accuracyCountsTheLargestOutput(_ device: Device) throws {
    let outputs = Tensor([1, 3, 2, 9, 0, -1, 0, 0, 1, -5, -6, -7] as [Float], shape: [4, 3], on: device)
    for labels in [Tensor([1, 0, 2, 1], on: device), Tensor([1, 0, 2, 1], on: device).cast(to: .int32)] {
      let batch = Batch(inputs: outputs, labels: labels)
      try expectClose(Metric.accuracy.sum(outputs, batch), [3])
    }
  }

  @Test func binaryAccuracyAsksForTheSide() throws {
    let outputs = Tensor([0.2, -3, 4, -0.1] as [Float], shape: [4, 1], on: .cpu)
    let batch = Batch(inputs: outputs, labels: Tensor([1, 0, 0, 1] as [Float], shape: [4, 1], on: .cpu))
    try expectClose(Metric.binaryAccuracy.sum(outputs, batch), [2])
    #expect(Metric.binaryAccuracy.name != Metric.accuracy.name, "a history would keep one of the two")
  }

  @Test func deferredScalarsKeepTheirOrder() throws {
    var scalars = DeferredScalars()
    #expect(try scalars.read() == [])
    for number in 0..<70 { scalars.append(Tensor(Float(number) / 8, on: .cpu)) }
    #expect(scalars.count == 70)
    #expect(try scalars.read() == (0..<70).map { Float($0) / 8 })
    #expect(scalars.count == 0)
  }

  @Test func evaluationWeighsBatchesBySize() throws {
    let (inputs, labels) = clusters(10)
    let source = TensorBatches(inputs: inputs, labels: labels, batchSize: 4)
    let model = withDevice(.cpu) { Linear(5, 3, generator: RandomGenerator(seed: 1)) }
    let result = try evaluate(model, on: source)
    let outputs = model(inputs)
    let expected = try crossEntropy(outputs, labels).scalar(as: Double.self)
    #expect(abs(result.loss - expected) < 1e-6)
    let right = zip(try outputs.argMax(along: 1).scalars(as: Int.self), try labels.scalars(as: Int.self)).count {
      $0 == $1
    }
    #expect(result.metrics == ["accuracy": Double(right) / 10])
    #expect(result.sampleCount == 10)
    #expect(source.position == BatchPosition(epoch: 1))
  }

  @Test func evaluationIsInference() throws {
    let model = withDevice(.cpu) { NoisyNet() }
    let source = clusterBatches(shuffles: false)
    let state = model.dropout.generator.state
    let one = try evaluate(model, on: source, metrics: [])
    #expect(try evaluate(model, on: source, metrics: []).loss == one.loss)
    #expect(model.dropout.generator.state == state)
    try expectClose(model.norm.runningMean.value, [Double](repeating: 0, count: 8))
  }
}
