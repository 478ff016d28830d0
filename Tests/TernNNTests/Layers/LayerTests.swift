// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

/// That layers hand their settings on to the operations, which have tests of their own.
@Suite struct LayerTests {
  private func expectEqual(_ a: Tensor, _ b: Tensor, _ what: String = "") throws {
    #expect(a.shape == b.shape, "\(what)")
    #expect(try a.scalars(as: Float.self) == b.scalars(as: Float.self), "\(what)")
  }

  @Test(arguments: Device.all) func linearIsXTimesWeightTransposedPlusBias(_ device: Device) throws {
    let layer = withDevice(device) { Linear(3, 2) }
    let x = sampleTensor([4, 3], on: device)
    let (xs, w) = (sample([4, 3]), try layer.weight.value.scalars(as: Float.self))
    let b = try #require(layer.bias).value.scalars(as: Float.self)
    let expected = (0..<8).map { index in
      let (row, column) = (index / 2, index % 2)
      return (0..<3).reduce(Double(b[column])) { $0 + Double(xs[row * 3 + $1]) * Double(w[column * 3 + $1]) }
    }
    try expectClose(layer(x), expected)
    #expect(withDevice(device) { Linear(3, 2, bias: false) }(x.reshaped(to: [2, 2, 3])).shape == [2, 2, 2])
  }

  @Test func convolutionHandsItsSettingsOn() throws {
    try withDevice(.cpu) {
      let layer = Conv2D(
        4, 6, kernel: Pair(3, 2), stride: Pair(2, 1), padding: .explicit(top: 1, bottom: 0, left: 2, right: 1),
        dilation: Pair(1, 2), groups: 2)
      #expect(layer.weight.shape == [6, 2, 3, 2])
      let x = sampleTensor([2, 4, 7, 8])
      let expected = conv2d(
        x, layer.weight.value, bias: layer.bias!.value, stride: Pair(2, 1),
        padding: .explicit(top: 1, bottom: 0, left: 2, right: 1), dilation: Pair(1, 2), groups: 2)
      try expectEqual(layer(x), expected)
      #expect(Conv2D(1, 6, kernel: 5, bias: false).parameters().map(\.name) == ["weight"])
      let activated = Conv2D(4, 3, kernel: 3, activation: .silu)
      try expectEqual(activated(x), silu(conv2d(x, activated.weight.value, bias: activated.bias!.value)))
    }
  }

  @Test func activationsHandTheirSettingsOn() throws {
    try withDevice(.cpu) {
      let x = sampleTensor([2, 4, 3], scale: 4)
      let cases: [(any Layer, Tensor)] = [
        (LogSigmoid(), logSigmoid(x)), (SELU(), selu(x)), (CELU(alpha: 0.5), celu(x, alpha: 0.5)), (Mish(), mish(x)),
        (Softsign(), softsign(x)), (GLU(axis: 1), glu(x, axis: 1)), (ReLU6(), relu6(x)),
        (HardTanh(min: -2, max: 3), hardTanh(x, min: -2, max: 3)), (HardSigmoid(), hardSigmoid(x)),
        (HardSwish(), hardSwish(x)), (PReLU(4, slope: 0.1), leakyReLU(x, negativeSlope: 0.1)),
      ]
      for (layer, expected) in cases { try expectEqual(layer(x), expected, "\(type(of: layer))") }
      #expect(PReLU(4).parameters().map(\.name) == ["weight"])
      let layer = Bilinear(3, 3, 5)
      try expectEqual(layer(x, x), bilinear(x, x, layer.weight.value, layer.bias!.value))
    }
  }

  @Test func poolingHandsItsSettingsOn() throws {
    let x = sampleTensor([2, 3, 9, 8])
    try expectEqual(MaxPool2D(2)(x), maxPool2d(x, window: 2, stride: 2), "max, stride by default")
    try expectEqual(
      MaxPool2D(3, stride: Pair(2, 1), padding: 1, dilation: 2, roundsUp: true)(x),
      maxPool2d(x, window: 3, stride: Pair(2, 1), padding: 1, dilation: 2, roundsUp: true), "max")
    try expectEqual(AveragePool2D(Pair(3, 2))(x), averagePool2d(x, window: Pair(3, 2), stride: Pair(3, 2)), "average")
    try expectEqual(
      AveragePool2D(3, stride: 2, padding: 1, countsPadding: false, roundsUp: true)(x),
      averagePool2d(x, window: 3, stride: 2, padding: 1, countsPadding: false, roundsUp: true), "average, all settings")
    try expectEqual(AdaptiveMaxPool2D(Pair(4, 3))(x), adaptiveMaxPool2d(x, outputSize: Pair(4, 3)), "adaptive max")
    try expectEqual(
      AdaptiveAveragePool2D(Pair(4, 3))(x), adaptiveAveragePool2d(x, outputSize: Pair(4, 3)), "adaptive average")
    try expectEqual(GlobalAveragePool2D()(x), x.mean(along: 2, 3), "global average")
  }

  @Test func activationsCallTheirFunctions() throws {
    let x = sampleTensor([3, 11], scale: 3)
    let pairs: [(any Layer, Tensor)] = [
      (ReLU(), relu(x)), (LeakyReLU(negativeSlope: 0.2), leakyReLU(x, negativeSlope: 0.2)), (Sigmoid(), sigmoid(x)),
      (Tanh(), tanh(x)), (ELU(alpha: 0.7), elu(x, alpha: 0.7)), (GELU(), gelu(x)),
      (GELU(approximation: .tanh), gelu(x, approximation: .tanh)), (SiLU(), silu(x)),
      (Softplus(beta: 2), softplus(x, beta: 2)), (Softmax(axis: 0), softmax(x, axis: 0)),
      (LogSoftmax(axis: 0), logSoftmax(x, axis: 0)),
    ]
    for (layer, expected) in pairs { try expectEqual(layer(x), expected, "\(layer)") }
  }

  @Test func flattenKeepsTheFirstAxes() {
    let x = Tensor.zeros([2, 3, 4, 5], on: .cpu)
    #expect(Flatten()(x).shape == [2, 60])
    #expect(Flatten(from: 2)(x).shape == [2, 3, 20])
  }

  @Test func dropoutIsActiveInTrainingOnly() throws {
    let x = Tensor.ones([4000], on: .cpu)
    let layer = Dropout(0.25, generator: RandomGenerator(seed: 2))
    try expectEqual(layer(x), x)
    let dropped = try withMode(.training) { try layer(x).scalars(as: Float.self) }
    #expect(dropped.allSatisfy { $0 == 0 || abs($0 - 4.0 / 3) < 1e-6 })
    let share = Double(dropped.count { $0 == 0 }) / 4000
    #expect(abs(share - 0.25) < 4 * (0.25 * 0.75 / 4000.0).squareRoot())
  }

  @Test func sequentialAppliesInOrder() throws {
    let x = sampleTensor([2, 3])
    try expectEqual(Sequential(Tanh(), ReLU())(x), relu(tanh(x)))
    try expectEqual(Sequential(layers: [])(x), x)
  }

  @Test func wrongSizesTrap() async {
    await #expect(processExitsWith: .failure) { _ = Linear(0, 3) }
    await #expect(processExitsWith: .failure) { _ = Conv2D(3, 4, kernel: 3, groups: 2) }
    await #expect(processExitsWith: .failure) { _ = Dropout(1) }
    await #expect(processExitsWith: .failure) { _ = Linear(3, 2)(Tensor.zeros([4, 2])) }
  }
}
