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
          let loader = DataLoader(Self.digits, batchSize: 32, shuffles: true, seed: 1)
          try expectQuietSteps(
            of: LeNet5(generator: RandomGenerator(seed: 1)), Adam(learningRate: 1e-3), launches: 60, steps: 12
          ) { try loader.next()! }
        }
      }
    }
  }

  /// With images of 8 x 8 pixels, since counts do not depend on the size.
  @Test(.enabled(if: Device.all.count > 1, "skipped: there is no OpenCL device"))
  func aStepOfResNet18IsFewLaunchesAndNeitherAllocatesNorWaits() async {
    await #expect(processExitsWith: .success) {
      for device in Device.all.dropFirst() {
        try withDevice(device) {
          let generator = RandomGenerator(seed: 1)
          let model = ResNet(.layers18, stem: .cifar, classes: 10, generator: generator)
          let images = Tensor.randomNormal([4, 3, 8, 8], generator: generator).evaluated()
          let batch = Batch(inputs: images, labels: Tensor([3, 1, 4, 1]))
          try expectQuietSteps(of: model, SGD(learningRate: 0.01, momentum: 0.9), launches: 250, steps: 7) { batch }
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

/// Trains, and traps unless each step after the second takes at most so many launches, no new memory of the device, no
/// wait but the one for the loss, and no fallback. For exit tests, whose process ends with a trap.
private func expectQuietSteps(
  of model: some Layer, _ optimizer: some Optimizer, launches: Int, steps: Int, _ next: () throws -> Batch
) throws {
  let device = Device.current
  var optimizer = optimizer, readings: [Statistics] = [], loss = Tensor(0)
  for _ in 0..<steps {
    let batch = try next()
    let step = valueAndGradients(of: model) { crossEntropy(model(batch.inputs), batch.labels) }
    try optimizer.update(model, with: step.gradients)
    loss = step.value.evaluated()
    readings.append(device.statistics)
  }
  for (earlier, later) in zip(readings.dropFirst(), readings.dropFirst(2)) {
    let step = later - earlier
    precondition(step.launches <= launches, "\(step.launches) launches in a step on \(device)")
    precondition(step.deviceAllocations == 0, "\(step.deviceAllocations) allocations in a step on \(device)")
    precondition(step.hostSyncs == 0, "\(step.hostSyncs) waits in a step on \(device)")
    precondition(step.cpuFallbacks == 0, "\(step.cpuFallbacks) fallbacks in a step on \(device)")
  }
  _ = try loss.scalar(as: Float.self)
  let logged = device.statistics - readings.last!
  precondition(logged.hostSyncs == 1, "\(logged.hostSyncs) waits for one loss on \(device)")
}
