// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct ElementLossTests {
  private let shape = [3, 5]

  private func reduced(_ losses: [Double], _ reduction: LossReduction) -> [Double] {
    switch reduction {
    case .mean: [losses.reduce(0, +) / Double(losses.count)]
    case .sum: [losses.reduce(0, +)]
    case .none: losses
    }
  }

  @Test(arguments: Device.all, [LossReduction.mean, .sum, .none])
  func meanSquaredErrorFollowsItsDefinition(_ device: Device, _ reduction: LossReduction) throws {
    let (p, t) = (sample(shape), sample(shape, phase: 1))
    let losses = zip(doubles(p), doubles(t)).map { ($0 - $1) * ($0 - $1) }
    let (x, y) = (Tensor(p, shape: shape, on: device), Tensor(t, shape: shape, on: device))
    try expectClose(meanSquaredError(x, y, reduction: reduction), reduced(losses, reduction))
    try expectClose(
      gradient(at: x) { meanSquaredError($0, y) }, zip(doubles(p), doubles(t)).map { 2 * ($0 - $1) / 15 })
  }

  @Test(arguments: Device.all, [LossReduction.mean, .sum, .none])
  func binaryCrossEntropyFollowsItsDefinition(_ device: Device, _ reduction: LossReduction) throws {
    let (x, t) = (sample(shape, scale: 6), sample(shape, scale: 0.5, shift: 0.5, phase: 1))
    let (w, positive) = (sample(shape, scale: 0.4, shift: 1), sample([5], scale: 0.5, shift: 2))
    var losses: [Double] = []
    var gradients: [Double] = []
    for index in x.indices {
      let (x, t, w, q) = (Double(x[index]), Double(t[index]), Double(w[index]), Double(positive[index % 5]))
      let p = 1 / (1 + exp(-x))
      losses.append(-w * (q * t * log(p) + (1 - t) * log(1 - p)))
      gradients.append(w * ((1 - t) * p - q * t * (1 - p)) / 15)
    }
    let logits = Tensor(x, shape: shape, on: device)
    func loss(_ x: Tensor, _ reduction: LossReduction) -> Tensor {
      binaryCrossEntropy(
        logits: x, targets: Tensor(t, shape: shape, on: device), weights: Tensor(w, shape: shape, on: device),
        positiveWeight: Tensor(positive, on: device), reduction: reduction)
    }
    try expectClose(loss(logits, reduction), reduced(losses, reduction))
    try expectClose(gradient(at: logits) { loss($0, .mean) }, gradients)
  }

  @Test(arguments: Device.all) func largeLogitsNeitherOverflowNorVanish(_ device: Device) throws {
    let x = Tensor([-200, 200, 80, -80, 20] as [Float], on: device)
    let losses = binaryCrossEntropy(
      logits: x, targets: Tensor([1, 0, 1, 0, 1] as [Float], on: device), reduction: .none)
    try expectClose(losses, [200, 200, exp(-80), exp(-80), exp(-20)], relative: 1e-5, absolute: 0)
  }

  @Test func broadcastingIsAMistake() async {
    await #expect(processExitsWith: .failure) { _ = meanSquaredError(Tensor.zeros([4, 1]), Tensor.zeros([4])) }
    await #expect(processExitsWith: .failure) {
      _ = binaryCrossEntropy(logits: Tensor.zeros([4]), targets: Tensor.zeros([4]), weights: Tensor.zeros([3, 4]))
    }
  }
}
