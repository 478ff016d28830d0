// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct LossScalerTests {
  private struct Cell: Module {
    let weight: Parameter

    init(_ numbers: [Float], on device: Device = .cpu) {
      weight = Parameter(Tensor(numbers, on: device).cast(to: .float16))
    }

    func gradients(_ numbers: [Float]) -> Gradients {
      Gradients(
        parameters: parameters(), values: [Tensor(numbers, on: weight.value.device).cast(to: .float16)])
    }
  }

  @Test func theScaleGrowsAndShrinks() throws {
    let cell = Cell([1, 2])
    var scaler = LossScaler(scale: 8, growth: 4, backoff: 0.25, growthInterval: 2)
    let (fine, infinite, none) = (cell.gradients([1, 2]), cell.gradients([1, -.infinity]), cell.gradients([.nan, 1]))
    var scales: [Float] = []
    for gradients in [fine, fine, fine, infinite, fine, none, fine, fine] {
      let result = try scaler.unscaled(gradients)
      #expect(try (result == nil) != gradients.values[0].isFinite().all().scalar(as: Bool.self))
      scales.append(scaler.scale)
    }
    #expect(scales == [8, 32, 32, 8, 8, 2, 2, 8])
    #expect(scaler.skippedSteps == 2 && scaler.finiteSteps == 0)
    let copy = try JSONDecoder().decode(LossScaler.self, from: JSONEncoder().encode(scaler))
    #expect(copy == scaler)
    let defaults = LossScaler()
    #expect(defaults.scale == 65_536 && defaults.growth == 2 && defaults.backoff == 0.5)
    #expect(defaults.growthInterval == 2000)
  }

  /// Far below the smallest `float16` number, which is 6e-8.
  @Test(arguments: Device.all) func gradientsThatWouldVanishArriveInFloat32(_ device: Device) throws {
    let cell = Cell([1, 2], on: device)
    var scaler = LossScaler()
    let loss = { (cell.weight.value * Tensor([3, 5], on: device).cast(to: .float16)).sum() * 1e-6 }
    let plain = valueAndGradients(of: cell) { loss().cast(to: .float32) * 1e-3 }.gradients
    #expect(try plain.values[0].scalars(as: Float.self) == [0, 0])
    let (value, scaled) = scaler.valueAndGradients(of: cell) { loss().cast(to: .float32) * 1e-3 }
    let gradients = try #require(try scaler.unscaled(scaled))
    #expect(gradients.values[0].dtype == .float32)
    try expectClose(gradients.values[0], [3e-9, 5e-9], relative: 2e-3, absolute: 0)
    try expectClose(value, [13e-9], relative: 2e-2, absolute: 0)
  }

  /// The sum of two batches, unscaled before it is clipped, is the step of Float32.
  @Test func accumulatedGradientsAreUnscaledThenClipped() throws {
    let cell = Cell([1, 2])
    var scaler = LossScaler(scale: 1024)
    func batch() -> Gradients {
      scaler.valueAndGradients(of: cell) { square(cell.weight.value).sum() }.gradients.cast(to: .float32)
    }
    let sum = try #require(try scaler.unscaled((batch() + batch()) * 0.5))
    try expectClose(sum.clipped(byNorm: 1).values[0], [2 / 20.0.squareRoot(), 4 / 20.0.squareRoot()])
  }

  @Test func gradientsThatAreNeverFiniteAreAnError() throws {
    let cell = Cell([1])
    var scaler = LossScaler(scale: 0x1p-22)
    #expect(try scaler.unscaled(cell.gradients([.nan])) == nil)
    #expect(try scaler.unscaled(cell.gradients([.nan])) == nil)
    expectError(.nonFinite, "loss times") { try scaler.unscaled(cell.gradients([.nan])) }
  }

  @Test func halfLossesAreScaledByWhatTheirGradientHolds() throws {
    let cell = Cell([1e-3, 2e-3])
    var scaler = LossScaler(growthInterval: 1)
    for _ in 0..<3 {
      let (_, gradients) = scaler.valueAndGradients(of: cell) { cell.weight.value.sum() }
      let found = try #require(try scaler.unscaled(gradients))
      #expect(try found.values[0].scalars(as: Float.self) == [1, 1])
    }
    #expect(scaler.scale == 0x1p15 && scaler.skippedSteps == 0)
  }

  @Test func aDamagedScalerIsFound() throws {
    let good = String(decoding: try JSONEncoder().encode(LossScaler()), as: UTF8.self)
    for (old, new) in [
      ("\"scale\":65536", "\"scale\":0"), ("\"backoff\":0.5", "\"backoff\":3"),
      ("\"finiteSteps\":0", "\"finiteSteps\":-1"),
    ] {
      try #require(good.contains(old))
      let text = good.replacingOccurrences(of: old, with: new)
      #expect(try JSONDecoder().decode(LossScaler.self, from: Data(text.utf8)).damage != nil, "\(new)")
    }
  }

  @Test func fitLeavesOutStepsThatOverflow() throws {
    let model = withDevice(.cpu) { NoisyNet(seed: 1) }
    model.cast(to: .float16)
    let before = try model.parameters().map { try $0.parameter.value.scalars(as: Float.self) }
    var optimizer = Adam(learningRate: 0.01)
    var losses: [Float] = []
    func train(_ epochs: Int, _ scaler: LossScaler) throws -> History {
      try fit(
        model, train: clusterBatches(48), epochs: epochs, optimizer: &optimizer,
        forward: { $0($1.inputs.cast(to: .float16)) }, scaler: scaler, logEvery: 2, progress: .none,
        onEvent: { event in
          if case .losses(_, let new) = event { losses += new }
        })
    }
    // Six steps cannot bring it down far enough: gradients of logits alone are beyond 65,504.
    _ = try train(1, LossScaler(scale: 0x1p24, backoff: 0.99))
    #expect(try model.parameters().map { try $0.parameter.value.scalars(as: Float.self) } == before)
    #expect(optimizer.state.entries.isEmpty)
    losses = []
    let history = try train(6, LossScaler(scale: 0x1p24))
    #expect(history.trainLosses.last! < history.trainLosses[0] / 2)
    #expect(losses.count == 36)
    let counts = Set(optimizer.state.entries.values.map(\.steps))
    #expect(counts.count == 1 && (20..<36).contains(counts.first!))
  }
}
