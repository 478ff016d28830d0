// SPDX-License-Identifier: MIT
import Tern
import TernData
import TernModels
import TernNN
import Testing

/// Short trainings of whole models on drawn digits, on every device.
@Suite struct TrainingTests {
  private static let names = ["logistic", "mlp", "lenet5", "classic"]
  private static let digits = NormalizedImages(.digits(count: 160, split: .train))

  /// The losses of the first steps.
  private func losses(_ name: String, on device: Device, steps: Int) throws -> [Float] {
    try withDevice(device) { try train(makeModel(name, seed: 3), steps: steps) }
  }

  private func train(_ model: some Layer, steps: Int) throws -> [Float] {
    let loader = DataLoader(Self.digits, batchSize: 32, shuffles: true, seed: 1)
    var optimizer = Adam(learningRate: 2e-3), losses: [Float] = []
    while losses.count < steps {
      guard let batch = try loader.next() else { continue }
      let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(model(batch.inputs), batch.labels) }
      try optimizer.update(model, with: gradients)
      losses.append(try loss.scalar(as: Float.self))
    }
    return losses
  }

  @Test(arguments: Device.all, names) func lossFalls(device: Device, name: String) throws {
    let losses = try losses(name, on: device, steps: 30)
    let first = losses[..<5].reduce(0, +) / 5, last = losses[25...].reduce(0, +) / 5
    #expect(abs(losses[0] - 2.3) < 0.6)
    #expect(last < 0.6 * first, "\(losses)")
  }

  @Test(arguments: Device.all.dropFirst(), names) func devicesAgree(device: Device, name: String) throws {
    let reference = try losses(name, on: .cpu, steps: 8)
    for (step, (loss, expected)) in zip(try losses(name, on: device, steps: 8), reference).enumerated() {
      #expect(abs(loss - expected) <= 1e-3 * expected, "step \(step): \(loss) on \(device), \(expected) on the CPU")
    }
  }

  @Test(arguments: names) func outputsAreLogitsOfEachSample(name: String) throws {
    let model = makeModel(name, seed: 0)
    #expect(model(Tensor.zeros([3, 1, 28, 28])).shape == [3, 10])
    #expect(model(Tensor.zeros([1, 1, 28, 28])).shape == [1, 10])
  }
}
