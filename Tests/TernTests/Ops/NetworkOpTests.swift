// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct NetworkOpTests {
  // MARK: Matrix products

  @Test(arguments: Device.all) func matmulBroadcastsBatches(_ device: Device) throws {
    let cases: [([Int], [Int], [Int])] = [
      ([3, 4], [4, 5], [3, 5]), ([4], [4], []), ([4], [4, 5], [5]), ([2, 3, 4], [4], [2, 3]),
      ([2, 3, 4], [4, 5], [2, 3, 5]), ([2, 1, 3, 4], [6, 4, 5], [2, 6, 3, 5]), ([0, 4], [4, 5], [0, 5]),
      ([3, 0], [0, 5], [3, 5]),
    ]
    for (a, b, shape) in cases {
      let (x, y) = (sampleTensor(a, on: device), sampleTensor(b, phase: 1, on: device))
      let product = matmul(x, y)
      #expect(product.shape == shape, "\(a) x \(b)")
      // The definition, by broadcasting: sum over k of x[..., i, k] * y[..., k, j].
      let u = (a.count == 1 ? x.expanded(at: 0) : x).expanded(at: -1)
      let v = (b.count == 1 ? y.expanded(at: 1) : y).expanded(at: b.count == 1 ? 0 : -3)
      let expected = (u * v).sum(along: -2)
      try expectClose(product, try expected.scalars(as: Double.self), relative: 1e-5, absolute: 1e-5)
    }
  }

  @Test(arguments: Device.all) func matmulHasGradients(_ device: Device) throws {
    let (x, y) = (sampleTensor([2, 3, 4], on: device), sampleTensor([4, 5], phase: 1, on: device))
    try expectGradients([x, y]) { matmul($0[0], $0[1]) }
    try expectGradients([x.swappedAxes(0, 1), sampleTensor([3, 4, 2], on: device)]) { matmul($0[0], $0[1]) }
    try expectGradients([x, y], tolerance: 6e-3, "second order") { inputs in
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) { square(matmul($0[0], $0[1])).sum() }
      return gradients[0].sum() + square(gradients[1]).sum() * 0.01
    }
  }

  @Test(arguments: Device.all) func linearIsTheProductWithTheTranspose(_ device: Device) throws {
    let x = sampleTensor([2, 3, 4], on: device)
    let (w, b) = (sampleTensor([5, 4], phase: 1, on: device), sampleTensor([5], phase: 2, on: device))
    let expected = matmul(x, w.transposed()) + b
    try expectClose(linear(x, w, b), try expected.scalars(as: Double.self))
    try expectGradients([x, w, b]) { linear($0[0], $0[1], $0[2]) }
  }

  @Test(arguments: Device.all, Activation.allCases)
  func fusedActivationsChangeNoBit(_ device: Device, _ activation: Activation) throws {
    let x = sampleTensor([33, 20], on: device)
    let (w, b) = (sampleTensor([19, 20], phase: 1, on: device), sampleTensor([19], phase: 2, on: device))
    let separate = activation(linear(x, w, b).evaluated())
    #expect(try linear(x, w, b, activation: activation).scalars(as: Float.self) == separate.scalars(as: Float.self))
    let small = [
      sampleTensor([2, 3, 4], phase: 3, on: device), sampleTensor([5, 4], phase: 1, on: device),
      sampleTensor([5], phase: 2, on: device),
    ]
    try expectGradients(small) { linear($0[0], $0[1], $0[2], activation: activation) }
    guard activation == .tanh else { return }
    try expectGradients(small, tolerance: 6e-3, "second order") { inputs in
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) {
        square(linear($0[0], $0[1], $0[2], activation: .tanh)).sum()
      }
      return gradients[0].sum() + square(gradients[1]).sum() * 0.01
    }
  }

  // MARK: Convolution

  struct Convolution: Sendable, CustomTestStringConvertible {
    var input = [2, 4, 7, 6]
    var weight = [6, 4, 3, 3]
    var stride: Pair = 1
    var padding: Padding = 0
    var dilation: Pair = 1
    var groups = 1
    var testDescription: String { "\(input) \(weight) \(stride) \(padding) \(dilation) \(groups)" }
  }

  static let convolutions = [
    Convolution(), Convolution(stride: Pair(2, 1), padding: 1), Convolution(padding: .same, dilation: 2),
    Convolution(weight: [4, 2, 3, 2], padding: .explicit(top: 0, bottom: 2, left: 1, right: 0), groups: 2),
    Convolution(weight: [8, 1, 3, 3], stride: 2, padding: 1, groups: 4), Convolution(weight: [5, 4, 1, 1]),
    Convolution(input: [1, 1, 5, 5], weight: [1, 1, 5, 5], padding: 2),
  ]

  @Test(arguments: Device.all, convolutions) func conv2dFollowsItsDefinition(_ device: Device, _ c: Convolution) throws
  {
    let x = sampleTensor(c.input, on: device)
    let w = sampleTensor(c.weight, phase: 1, on: device)
    let b = sampleTensor([c.weight[0]], phase: 2, on: device)
    let y = conv2d(
      x, w, bias: b, stride: c.stride, padding: c.padding, dilation: c.dilation, groups: c.groups)
    let pads = c.padding.amounts(
      input: c.input, kernel: Pair(c.weight[2], c.weight[3]), stride: c.stride, dilation: c.dilation)
    let (xs, ws, bs) = (
      try x.scalars(as: Double.self), try w.scalars(as: Double.self), try b.scalars(as: Double.self)
    )
    var expected: [Double] = []
    let (height, width) = (c.input[2], c.input[3])
    let outputsPerGroup = c.weight[0] / c.groups
    for n in 0..<y.shape[0] {
      for o in 0..<y.shape[1] {
        for i in 0..<y.shape[2] {
          for j in 0..<y.shape[3] {
            var sum = bs[o]
            for k in 0..<c.weight[1] {
              let channel = o / outputsPerGroup * c.weight[1] + k
              for u in 0..<c.weight[2] {
                for v in 0..<c.weight[3] {
                  let row = i * c.stride.height + u * c.dilation.height - pads.0
                  let column = j * c.stride.width + v * c.dilation.width - pads.2
                  guard row >= 0, row < height, column >= 0, column < width else { continue }
                  sum +=
                    xs[((n * c.input[1] + channel) * height + row) * width + column]
                    * ws[((o * c.weight[1] + k) * c.weight[2] + u) * c.weight[3] + v]
                }
              }
            }
            expected.append(sum)
          }
        }
      }
    }
    try expectClose(y, expected, relative: 1e-5, absolute: 1e-5)
  }

  @Test(arguments: Device.all, convolutions) func conv2dHasGradients(_ device: Device, _ c: Convolution) throws {
    let inputs = [
      sampleTensor([1] + c.input.dropFirst(), on: device), sampleTensor(c.weight, phase: 1, on: device),
      sampleTensor([c.weight[0]], phase: 2, on: device),
    ]
    try expectGradients(inputs) {
      conv2d($0[0], $0[1], bias: $0[2], stride: c.stride, padding: c.padding, dilation: c.dilation, groups: c.groups)
    }
  }

  @Test(arguments: Device.all) func conv2dHasSecondDerivatives(_ device: Device) throws {
    let x = sampleTensor([1, 2, 4, 4], on: device)
    let w = sampleTensor([2, 2, 3, 3], scale: 0.5, phase: 1, on: device)
    try expectGradients([x, w], tolerance: 1e-2) { inputs in
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) {
        square(conv2d($0[0], $0[1], padding: 1)).sum() * 0.1
      }
      return square(gradients[0]).sum() * 0.1 + square(gradients[1]).sum() * 0.1
    }
  }

  // MARK: Pooling

  @Test(arguments: Device.all) func maxPoolTakesFirstMaxima(_ device: Device) throws {
    let x = Tensor([1 as Float, 2, 2, 0, -1, -3, -2, -1, 5], shape: [1, 1, 3, 3], on: device)
    try expectClose(maxPool2d(x, window: 2, stride: 1), [2, 2, 0, 5])
    try expectClose(gradient(at: x) { maxPool2d($0, window: 2, stride: 1).sum() }, [0, 2, 0, 1, 0, 0, 0, 0, 1])
    // Padding is minus infinity, not zero.
    try expectClose(maxPool2d(x - 10, window: 2, stride: 3, padding: 1), [-9, -8, -12, -5])
  }

  @Test(arguments: Device.all) func averagePoolCountsPaddingWhenAsked(_ device: Device) throws {
    let x = Tensor((1...9).map(Float.init), shape: [1, 1, 3, 3], on: device)
    try expectClose(averagePool2d(x, window: 2), [3])
    try expectClose(averagePool2d(x, window: 2, padding: 1), [0.25, 1.25, 2.75, 7])
    try expectClose(averagePool2d(x, window: 2, padding: 1, countsPadding: false), [1, 2.5, 5.5, 7])
    try expectClose(averagePool2d(x, window: 2, roundsUp: true), [3, 4.5, 7.5, 9])
  }

  @Test(arguments: Device.all) func poolsHaveGradients(_ device: Device) throws {
    let x = sampleTensor([2, 3, 7, 5], scale: 4, on: device)
    try expectGradients([x]) { maxPool2d($0[0], window: Pair(3, 2), stride: 2, padding: 1) }
    try expectGradients([x]) { maxPool2d($0[0], window: 2, stride: 1, dilation: 2) }
    try expectGradients([x]) { averagePool2d($0[0], window: 3, stride: Pair(1, 2), padding: 1, countsPadding: false) }
    try expectGradients([x]) { averagePool2d($0[0], window: 2, roundsUp: true) }
    try expectGradients([x], tolerance: 6e-3) { inputs in
      gradient(at: inputs[0], createGraph: true) { pow(averagePool2d($0, window: 2), 3).sum() * 0.1 }
    }
  }

  // MARK: Cross-entropy

  @Test(arguments: Device.all) func crossEntropyFollowsItsFormula(_ device: Device) throws {
    let logits = sampleTensor([5, 7], scale: 2, on: device)
    let labels = [3, 0, -100, 6, 3]
    let weights = sample([7], scale: 0.5, shift: 1, phase: 1)
    let values = try logits.scalars(as: Double.self)
    for (smoothing, weighted) in [(0.0, false), (0.1, false), (0.2, true)] {
      let w = weighted ? weights.map(Double.init) : [Double](repeating: 1, count: 7)
      var expected: [Double] = []
      for (row, label) in labels.enumerated() {
        let z = Array(values[row * 7..<row * 7 + 7])
        let total = Foundation.log(z.map { Foundation.exp($0) }.reduce(0, +))
        let spread = (0..<7).map { w[$0] * (total - z[$0]) }.reduce(0, +) * smoothing / 7
        expected.append(label < 0 ? 0 : (1 - smoothing) * w[label] * (total - z[label]) + spread)
      }
      let classWeights = weighted ? Tensor(weights, on: device) : nil
      for y in [Tensor(labels, on: device), Tensor(labels.map(Int32.init), on: device)] {
        let result = softmaxCrossEntropy(logits, y, classWeights: classWeights, smoothing: Float(smoothing))
        try expectClose(result.losses, expected, relative: 1e-5)
        try expectClose(result.weights, labels.map { $0 < 0 ? 0 : w[$0] })
      }
      try expectGradients([logits]) {
        softmaxCrossEntropy(
          $0[0], Tensor(labels, on: device), classWeights: classWeights, smoothing: Float(smoothing)
        ).losses
      }
    }
    let wrong = softmaxCrossEntropy(logits, Tensor([0, 1, 7, 2, -1], on: device)).losses
    #expect(try wrong.isNaN().scalars(as: Bool.self) == [false, false, true, false, true])
  }

  // MARK: Dropout

  @Test(arguments: Device.all) func dropoutDropsInTrainingOnly(_ device: Device) throws {
    let x = Tensor.ones([100, 100], on: device)
    let generator = RandomGenerator(seed: 5)
    try expectClose(dropout(x, probability: 0.25, generator: generator), [Double](repeating: 1, count: 10_000))
    let (y, gradient) = try withMode(.training) {
      let state = generator.state
      let y = dropout(x, probability: 0.25, generator: generator)
      generator.state = state
      return (
        try y.scalars(as: Double.self),
        valueAndGradient(at: x) { dropout($0, probability: 0.25, generator: generator).sum() }.gradient
      )
    }
    let kept = y.filter { $0 != 0 }
    #expect(kept.allSatisfy { Swift.abs($0 - 4 / 3.0) < 1e-6 })
    // Five standard deviations of a binomial count.
    let deviation: Double = (10_000 * 0.25 * 0.75).squareRoot()
    #expect(Swift.abs(Double(kept.count) - 7500) < 5 * deviation)
    try expectClose(gradient, y)
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = matmul(Tensor.zeros([2, 3], on: .cpu), Tensor.zeros([2, 3], on: .cpu))
    }
    await #expect(processExitsWith: .failure) {
      _ = conv2d(Tensor.zeros([1, 3, 8, 8], on: .cpu), Tensor.zeros([4, 2, 3, 3], on: .cpu))
    }
    await #expect(processExitsWith: .failure) { _ = maxPool2d(Tensor.zeros([3, 8, 8], on: .cpu), window: 2) }
    await #expect(processExitsWith: .failure) {
      _ = softmaxCrossEntropy(Tensor.zeros([3, 8], on: .cpu), Tensor([1, 2], on: .cpu))
    }
    await #expect(processExitsWith: .failure) {
      _ = linear(Tensor.zeros([3, 8], on: .cpu), Tensor.zeros([4, 7], on: .cpu))
    }
  }
}
