// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct NonFiniteTests {
  private func error(
    _ model: some Layer, _ source: any BatchSource, rate: Double, traces: Bool = true, checkpoint: String? = nil,
    loss: @escaping BatchLoss = { crossEntropy($0, $1.labels) }
  ) -> TernError? {
    var optimizer = SGD(learningRate: rate)
    do {
      _ = try fit(
        model, train: source, epochs: 2, optimizer: &optimizer, loss: loss, metrics: [], checkpoint: checkpoint,
        logEvery: 7, progress: .none, tracesNonFinite: traces)
      return nil
    } catch { return error as? TernError }
  }

  /// Four batches of which one is damaged.
  private func source(damaged: Int, with value: Float) throws -> TensorBatches {
    let (inputs, labels) = clusters(32)
    var values = try inputs.scalars(as: Float.self)
    values[damaged * 8 * 5 + 11] = value
    return TensorBatches(inputs: Tensor(values, shape: [32, 5], on: .cpu), labels: labels, batchSize: 8)
  }

  @Test func damagedInputsAreNamed() throws {
    let model = withDevice(.cpu) { Linear(5, 3) }
    let found = error(model, try source(damaged: 2, with: .infinity), rate: 0.1)
    #expect(found?.code == .nonFinite)
    #expect(
      found?.message.contains("step 3, epoch 1") == true && found?.message.contains("inputs") == true, "\(found as Any)"
    )
    #expect(
      try model.weight.value.scalars(as: Float.self).allSatisfy(\.isFinite), "the model is not as before the step")
  }

  @Test func theFirstGradientIsNamed() throws {
    // A large input makes the gradient of sum(square(square(x))) overflow one step before the loss does.
    struct Two: Layer {
      let scale = Parameter(Tensor.ones([5], on: .cpu))
      let steep = Parameter(Tensor.ones([5], on: .cpu))
      func callAsFunction(_ x: Tensor) -> Tensor { (x * scale.value).sum() + (sqrt(steep.value) * 0).sum() }
    }
    let model = Two()
    model.steep.value = Tensor([1, 1, 0, 1, 1] as [Float], on: .cpu)  // sqrt has an infinite derivative at 0
    let found = error(model, clusterBatches(), rate: 0.001) { outputs, _ in outputs }
    #expect(found?.code == .nonFinite)
    #expect(found?.message.contains("gradient of 'steep'") == true, "\(found as Any)")
    #expect(found?.message.contains("at step 1") == true, "\(found as Any)")
  }

  /// A scaler leaves steps out whose gradients are not finite, but no loss can be scaled back from infinity.
  @Test func lossesThatOverflowEndTrainingWithAScalerToo() throws {
    let model = withDevice(.cpu) { Sequential(Linear(5, 3), Linear(3, 3)) }
    model.cast(to: .float16)
    var optimizer = SGD(learningRate: 1e3)
    expectError(.nonFinite, "the loss is", "step", "the first that is not finite") {
      try fit(
        model, train: clusterBatches(), epochs: 3, optimizer: &optimizer,
        forward: { $0($1.inputs.cast(to: .float16)) }, metrics: [], scaler: LossScaler(), logEvery: 7, progress: .none)
    }
    #expect(try model.parameters().allSatisfy { try $0.parameter.value.isFinite().all().scalar(as: Bool.self) })
  }

  @Test func theFirstValueIsNamed() throws {
    let model = withDevice(.cpu) { Sequential(Linear(5, 3), Linear(3, 3)) }
    let found = error(model, clusterBatches(), rate: 1e38)
    #expect(found?.code == .nonFinite)
    #expect(
      found?.message.contains("'0.weight'") == true || found?.message.contains("'1.weight'") == true, "\(found as Any)")
    #expect(found?.remedy.contains("learning rate") == true)
    for (name, tensor) in model.stateTensors() {
      #expect(try tensor.scalars(as: Float.self).allSatisfy(\.isFinite), "\(name)")
    }
  }

  @Test func aLabelOutOfRangeIsALossMatter() throws {
    let (inputs, _) = clusters(8)
    let source = TensorBatches(inputs: inputs, labels: Tensor([0, 1, 2, 3, 0, 1, 2, 0], on: .cpu), batchSize: 8)
    let found = error(withDevice(.cpu) { Linear(5, 3) }, source, rate: 0.1)
    #expect(found?.message.contains("step 1, epoch 1") == true, "\(found as Any)")
  }

  @Test func withoutTracingOnlyTheStepIsNamed() throws {
    let found = error(withDevice(.cpu) { Linear(5, 3) }, try source(damaged: 1, with: .nan), rate: 0.1, traces: false)
    #expect(found?.message == "the loss is nan at step 2, epoch 1")
  }

  @Test func aGoodCheckpointIsNotReplaced() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("run")
    let model = withDevice(.cpu) { Linear(5, 3) }
    // The loss is finite at every step of the epoch; the last update is not.
    struct LastStep: Schedule {
      func learningRate(at step: Int) -> Double { step == 5 ? .infinity : 0.1 }
    }
    try model.save(to: path)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    var optimizer = SGD(learningRate: 0.1)
    expectError(.nonFinite, "'weight'", "after step 6") {
      try fit(
        model, train: clusterBatches(), epochs: 1, optimizer: &optimizer, schedule: LastStep(), scheduleUnit: .step,
        checkpoint: path, progress: .none)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }
}
