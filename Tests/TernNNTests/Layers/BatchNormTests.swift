// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct BatchNormTests {
  /// Batch normalization by the definition, in Float64, for `[outer, features, inner]`.
  private struct Reference {
    var y: [Double] = []
    var mean: [Double] = []
    var variance: [Double] = []

    init(_ x: [Double], _ shape: [Int], weight: [Double], bias: [Double], epsilon: Double) {
      let (outer, features, inner) = (shape[0], shape[1], shape.dropFirst(2).reduce(1, *))
      y = x
      for feature in 0..<features {
        let places = (0..<outer).flatMap { n in (0..<inner).map { (n * features + feature) * inner + $0 } }
        let mean = places.reduce(0) { $0 + x[$1] } / Double(places.count)
        let variance = places.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(places.count)
        for place in places {
          y[place] = (x[place] - mean) / (variance + epsilon).squareRoot() * weight[feature] + bias[feature]
        }
        self.mean.append(mean)
        self.variance.append(variance)
      }
    }
  }

  private static let shapes = [[33, 3], [4, 3, 5], [5, 3, 4, 7]]

  private func layer(_ shape: [Int], on device: Device, affine: Bool = true) -> BatchNorm {
    let layer: BatchNorm = withDevice(device) {
      shape.count == 4
        ? BatchNorm2D(3, momentum: 0.3, epsilon: 1e-3, affine: affine)
        : BatchNorm1D(3, momentum: 0.3, epsilon: 1e-3, affine: affine)
    }
    layer.weight?.value = Tensor([0.5, 1.5, -2], on: device)
    layer.bias?.value = Tensor([0.1, -0.2, 3], on: device)
    return layer
  }

  @Test(arguments: Device.all, shapes) func trainingUsesTheBatch(_ device: Device, _ shape: [Int]) throws {
    let layer = layer(shape, on: device)
    let x = sampleTensor(shape, scale: 1.7, shift: 0.4, on: device)
    let xs = try x.scalars(as: Double.self)
    let reference = Reference(xs, shape, weight: [0.5, 1.5, -2], bias: [0.1, -0.2, 3], epsilon: 1e-3)
    try expectClose(withMode(.training) { layer(x) }, reference.y, absolute: 1e-5)
    let count = Double(shape.reduce(1, *) / 3)
    try expectClose(layer.runningMean.value, reference.mean.map { 0.3 * $0 }, absolute: 1e-6)
    try expectClose(layer.runningVariance.value, reference.variance.map { 0.7 + 0.3 * $0 * count / (count - 1) })
  }

  @Test(arguments: Device.all) func inferenceUsesTheRunningStatistics(_ device: Device) throws {
    let layer = layer([2, 3], on: device)
    layer.runningMean.value = Tensor([1, 2, 3] as [Float], on: device)
    layer.runningVariance.value = Tensor([4, 0.25, 1], on: device)
    let (mean, variance) = ([1.0, 2, 3], [4, 0.25, 1])
    let (weight, bias) = ([0.5, 1.5, -2], [0.1, -0.2, 3])
    let x: [Double] = [0, 1, 5, -2, 0.5, 3]
    let expected = x.enumerated().map { index, x -> Double in
      let k = index % 3
      return (x - mean[k]) / (variance[k] + 1e-3).squareRoot() * weight[k] + bias[k]
    }
    try expectClose(layer(Tensor(x, shape: [2, 3], on: device)), expected)
    try expectClose(layer.runningMean.value, [1, 2, 3])
  }

  @Test(arguments: Device.all) func gradientsFollowTheDefinition(_ device: Device) throws {
    let shape = [4, 3, 5]
    let layer = layer(shape, on: device)
    let (x, g) = (sampleTensor(shape, on: device), sampleTensor(shape, phase: 2, on: device))
    var atInput: Tensor?
    let (_, gradients) = valueAndGradients(of: layer) {
      atInput = gradient(at: x) { (layer($0) * g).sum() }
      return (layer(x) * g).sum()
    }
    // With n = (x - mean) / s:  dx = weight / s * (g - mean(g) - n * mean(g * n)),  dweight = sum(g * n),  dbias =
    // sum(g).
    let (xs, gs) = (try x.scalars(as: Double.self), try g.scalars(as: Double.self))
    let plain = Reference(xs, shape, weight: [1, 1, 1], bias: [0, 0, 0], epsilon: 1e-3)
    var dx = xs
    var (dWeight, dBias) = ([Double](), [Double]())
    for feature in 0..<3 {
      let places = (0..<4).flatMap { n in (0..<5).map { (n * 3 + feature) * 5 + $0 } }
      dBias.append(places.reduce(0) { $0 + gs[$1] })
      dWeight.append(places.reduce(0) { $0 + gs[$1] * plain.y[$1] })
      let scale = [0.5, 1.5, -2][feature] / (plain.variance[feature] + 1e-3).squareRoot()
      for place in places {
        dx[place] = scale * (gs[place] - dBias[feature] / 20 - plain.y[place] * dWeight[feature] / 20)
      }
    }
    try expectClose(try #require(atInput), dx, relative: 1e-4, absolute: 1e-5)
    try expectClose(try #require(gradients["weight"]), dWeight, relative: 1e-4, absolute: 1e-5)
    try expectClose(try #require(gradients["bias"]), dBias, relative: 1e-4, absolute: 1e-5)
  }

  @Test func withoutParametersItOnlyNormalizes() throws {
    let layer = layer([9, 3], on: .cpu, affine: false)
    #expect(layer.parameters().isEmpty)
    #expect(layer.buffers().map(\.name) == ["runningMean", "runningVariance"])
    let xs = doubles(sample([9, 3]))
    let reference = Reference(xs, [9, 3], weight: [1, 1, 1], bias: [0, 0, 0], epsilon: 1e-3)
    try expectClose(withMode(.training) { layer(sampleTensor([9, 3])) }, reference.y, absolute: 1e-5)
  }

  @Test func statisticsThatNobodyReadsDoNotPileUp() async {
    // In a process of its own nobody else takes memory at the same time.
    await #expect(processExitsWith: .success) {
      let layer = withDevice(.cpu) { BatchNorm1D(1024) }
      let x = sampleTensor([2, 1024])
      func train(_ steps: Int) { for _ in 0..<steps { _ = withMode(.training) { layer(x) } } }
      train(10)
      let before = Device.cpu.memory.inUse
      train(1000)
      // A pile would hold 8 KiB a step.
      #expect(Device.cpu.memory.inUse - before < 100_000)
    }
  }

  @Test func wrongInputsTrap() async {
    await #expect(processExitsWith: .failure) { _ = BatchNorm2D(3)(Tensor.zeros([2, 3])) }
    await #expect(processExitsWith: .failure) { _ = BatchNorm1D(3)(Tensor.zeros([2, 4])) }
    await #expect(processExitsWith: .failure) { _ = withMode(.training) { BatchNorm1D(3)(Tensor.zeros([1, 3])) } }
  }
}
