// SPDX-License-Identifier: MIT
import Foundation
import Synchronization
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct FitTests {
  @Test(arguments: Device.all) func aNetLearnsToTellClustersApart(_ device: Device) throws {
    let model = withDevice(device) { NoisyNet() }
    var optimizer = Adam(learningRate: 0.02)
    let history = try fit(
      model, train: clusterBatches(96, on: device), validation: clusterBatches(30, on: device), epochs: 8,
      optimizer: &optimizer, progress: .none)
    let last = try #require(history.epochs.last)
    #expect(history.epochs.map(\.epoch) == Array(1...8))
    #expect(last.trainLoss < history.epochs[0].trainLoss / 2)
    #expect(try #require(last.validation).metrics["accuracy"]! >= 0.9)
    #expect(history.steps == 8 * 12 && !history.wasInterrupted)
    #expect(last.samplesPerSecond > 0 && last.seconds > 0)
    #expect(optimizer.state.entries["hidden.weight"]?.steps == 96, "the optimizer's state does not come back")
  }

  /// The loop must be what one would write by hand.
  @Test func stepsAreThoseOfAPlainLoop() throws {
    func train(_ body: (NoisyNet, inout SGD, TensorBatches) throws -> [Float]) throws -> ([Float], [Float]) {
      let model = withDevice(.cpu) { NoisyNet() }
      var optimizer = SGD(learningRate: 0.1, momentum: 0.9)
      let losses = try body(model, &optimizer, clusterBatches(44))
      return (losses, try model.output.weight.value.scalars(as: Float.self))
    }
    let schedule = StepDecay(initial: 0.1, every: 1, factor: 0.5)
    let plain = try train { model, optimizer, source in
      var losses: [Float] = []
      for epoch in 0..<3 {
        while let batch = source.next() {
          optimizer.learningRate = schedule.learningRate(at: epoch)
          let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(model(batch.inputs), batch.labels) }
          try optimizer.update(model, with: gradients.clipped(byNorm: 0.5))
          losses.append(try loss.scalar(as: Float.self))
        }
      }
      return losses
    }
    for logEvery in [1, 4, 1000] {
      let fitted = try train { model, optimizer, source in
        var losses: [Float] = []
        let history = try fit(
          model, train: source, epochs: 3, optimizer: &optimizer, schedule: schedule, clipping: .norm(0.5),
          logEvery: logEvery, progress: .none
        ) { event in
          if case .losses(let first, let new) = event {
            #expect(first == losses.count + 1)
            losses += new
          }
        }
        // 44 samples: the last of six batches has 4.
        let weights = [8.0, 8, 8, 8, 8, 4]
        for (epoch, loss) in history.trainLosses.enumerated() {
          let mean = zip(losses[(epoch * 6)...], weights).reduce(0) { $0 + Double($1.0) * $1.1 } / 44
          #expect(abs(loss - mean) < 1e-12)
        }
        #expect(history.epochs.map(\.learningRate) == [0.1, 0.05, 0.025])
        return losses
      }
      #expect(fitted == plain, "logEvery \(logEvery)")
    }
  }

  @Test func aScheduleMayCountSteps() throws {
    struct Recording: Schedule {
      let asked: Box
      final class Box: Sendable {
        let steps = Mutex<[Int]>([])
      }
      func learningRate(at step: Int) -> Double {
        asked.steps.withLock { $0.append(step) }
        return 0
      }
    }
    let recording = Recording(asked: .init())
    var optimizer = SGD(learningRate: 5)
    _ = try fit(
      withDevice(.cpu) { Linear(5, 3) }, train: clusterBatches(24), epochs: 2, optimizer: &optimizer,
      schedule: recording,
      scheduleUnit: .step, progress: .none)
    #expect(recording.asked.steps.withLock { $0 } == Array(0..<6))
    #expect(optimizer.learningRate == 0)
  }

  @Test func anyModelAndLossMayBeTrained() throws {
    struct Line: Module { let slope = Parameter(Tensor(0, on: .cpu)) }
    let x = sampleTensor([40, 1])
    var optimizer = SGD(learningRate: 0.5)
    let model = Line()
    _ = try fit(
      model, train: TensorBatches(inputs: x, labels: x * 3, batchSize: 40), epochs: 60, optimizer: &optimizer,
      forward: { $0.slope.value * $1.inputs }, loss: { meanSquaredError($0, $1.labels) }, metrics: [], progress: .none)
    try expectClose(model.slope.value, [3], relative: 1e-4)
  }

  /// In a process of its own, since the counters are those of the whole process.
  @Test func theDeviceIsWaitedForOnceALoggedLoss() async {
    await #expect(processExitsWith: .success) {
      for device in Device.all where device != .cpu {
        let model = withDevice(device) { Sequential(Linear(5, 8), ReLU(), Linear(8, 3)) }
        var optimizer = Adam()
        let source = clusterBatches(480, shuffles: false, on: device)
        func waits(logEvery: Int) throws -> Int {
          let before = device.statistics.hostSyncs
          _ = try fit(model, train: source, epochs: 1, optimizer: &optimizer, logEvery: logEvery, progress: .none)
          return device.statistics.hostSyncs - before
        }
        // 60 steps: the first is read alone.
        let (often, seldom) = (try waits(logEvery: 20), try waits(logEvery: 1000))
        #expect(often == 1 + 3)
        #expect(seldom == 1 + 1)
      }
    }
  }

  @Test func anErrorOfTheCallbackEndsTheTraining() {
    struct Enough: Error {}
    var optimizer = SGD(learningRate: 0.1)
    #expect(throws: Enough.self) {
      try fit(
        withDevice(.cpu) { Linear(5, 3) }, train: clusterBatches(), epochs: 3, optimizer: &optimizer, progress: .none
      ) { event in
        if case .epoch = event { throw Enough() }
      }
    }
  }

  @Test func aModelWithoutParametersTraps() async {
    await #expect(processExitsWith: .failure) {
      var optimizer = SGD(learningRate: 0.1)
      _ = try fit(ReLU(), train: clusterBatches(), epochs: 1, optimizer: &optimizer)
    }
  }
}
