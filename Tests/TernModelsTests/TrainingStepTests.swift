// SPDX-License-Identifier: MIT
import Tern
import TernData
import TernModels
import TernNN
import Testing

/// What a training step of LeNet-5 asks of a device, and that devices agree on what it computes.
@Suite struct TrainingStepTests {
  private static let digits = NormalizedImages(.digits(count: 1632, split: .train))

  /// In a process of its own, since the counters belong to the device.
  @Test(.enabled(if: Device.all.count > 1, "skipped: there is no OpenCL device"))
  func aStepIsFewLaunchesAndNeitherAllocatesNorWaits() async {
    await #expect(processExitsWith: .success) {
      for device in Device.all.dropFirst() {
        try withDevice(device) {
          let model = LeNet5(generator: RandomGenerator(seed: 1))
          let loader = DataLoader(Self.digits, batchSize: 32, shuffles: true, seed: 1)
          var optimizer = Adam(learningRate: 1e-3), readings: [Statistics] = [], loss = Tensor(0)
          for _ in 0..<12 {
            guard let batch = try loader.next() else { break }
            let step = valueAndGradients(of: model) { crossEntropy(model(batch.inputs), batch.labels) }
            try optimizer.update(model, with: step.gradients)
            loss = step.value.evaluated()
            readings.append(device.statistics)
          }
          for (earlier, later) in zip(readings.dropFirst(), readings.dropFirst(2)) {
            let step = later - earlier
            precondition(step.launches <= 60, "\(step.launches) launches in a step on \(device)")
            precondition(step.deviceAllocations == 0, "\(step.deviceAllocations) allocations in a step on \(device)")
            precondition(step.hostSyncs == 0, "\(step.hostSyncs) waits in a step on \(device)")
            precondition(step.cpuFallbacks == 0, "\(step.cpuFallbacks) fallbacks in a step on \(device)")
          }
          _ = try loss.scalar(as: Float.self)
          let logged = device.statistics - readings.last!
          precondition(logged.hostSyncs == 1, "\(logged.hostSyncs) waits for one loss on \(device)")
        }
      }
    }
  }

  @Test(arguments: Device.all.dropFirst()) func fiftyClassicLossesAgree(_ device: Device) throws {
    func losses(_ device: Device) throws -> [Float] {
      try withDevice(device) {
        let model = LeNet5(classic: true, generator: RandomGenerator(seed: 2))
        let loader = DataLoader(Self.digits, batchSize: 32, shuffles: true, seed: 2)
        var optimizer = Adam(learningRate: 1e-3), losses: [Tensor] = []
        while losses.count < 50 {
          guard let batch = try loader.next() else { continue }
          let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(model(batch.inputs), batch.labels) }
          try optimizer.update(model, with: gradients)
          losses.append(loss.evaluated())
        }
        return try losses.map { try $0.scalar(as: Float.self) }
      }
    }
    for (step, (loss, expected)) in zip(try losses(device), try losses(.cpu)).enumerated() {
      #expect(abs(loss - expected) <= 1e-3 * expected, "step \(step): \(loss) on \(device), \(expected) on the CPU")
    }
  }

  @Test(arguments: Device.all.dropFirst()) func firstGradientsAgree(_ device: Device) throws {
    func gradients(_ device: Device) throws -> [(name: String, values: [Double])] {
      try withDevice(device) {
        let model = LeNet5(generator: RandomGenerator(seed: 3))
        guard let batch = try DataLoader(Self.digits, batchSize: 32, shuffles: true, seed: 3).next() else { return [] }
        let (_, gradients) = valueAndGradients(of: model) { crossEntropy(model(batch.inputs), batch.labels) }
        return try zip(model.parameters(), gradients.values).map { ($0.name, try $1.scalars(as: Double.self)) }
      }
    }
    let (here, there) = (try gradients(.cpu), try gradients(device))
    #expect(here.count == 10)
    for (expected, actual) in zip(here, there) {
      let norm = expected.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let distance = zip(expected.values, actual.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      #expect(distance <= 1e-5 * norm, "\(expected.name) on \(device): \(distance) apart at norm \(norm)")
    }
  }
}
