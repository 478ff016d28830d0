// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct CrossEntropyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var rows = 5
    var classes = 7
    var positions: [Int] = []
    var labels: [Int]
    var weights: [Float]?
    var ignored = -100
    var smoothing: Float = 0
    var testDescription: String { "\(rows)x\(classes)\(positions) weights \(weights != nil) \(ignored) \(smoothing)" }
  }

  static let cases = [
    Case(labels: [0, 6, 3, 3, 1]), Case(labels: [0, 6, 3, 3, 1], smoothing: 0.2),
    Case(classes: 3, labels: [0, 2, 1, 1, 2], weights: [0.3, 2, 1.1]),
    Case(classes: 3, labels: [0, 2, 1, 1, 2], weights: [0.3, 2, 1.1], ignored: 1, smoothing: 0.1),
    Case(rows: 2, classes: 4, positions: [3], labels: [0, 3, 1, -1, 2, 2], ignored: -1),
    Case(
      rows: 2, classes: 3, positions: [2, 2], labels: [0, 2, 1, 1, 2, 0, 0, 1], weights: [1, 0.5, 2], ignored: 0,
      smoothing: 0.3),
  ]

  /// Losses, gradients with respect to the logits and label weights by the definition, `[rows, classes, positions]`.
  private func reference(_ c: Case, _ x: [Double]) -> (losses: [Double], weights: [Double], gradients: [[Double]]) {
    let inner = c.positions.reduce(1, *)
    let w = doubles(c.weights ?? [Float](repeating: 1, count: c.classes))
    let s = Double(c.smoothing)
    var result = (losses: [Double](), weights: [Double](), gradients: [[Double]]())
    for (index, label) in c.labels.enumerated() {
      let place = { (k: Int) in (index / inner * c.classes + k) * inner + index % inner }
      let exponentials = (0..<c.classes).map { exp(x[place($0)]) }
      let p = exponentials.map { $0 / exponentials.reduce(0, +) }
      var gradient = [Double](repeating: 0, count: x.count)
      if label == c.ignored {
        result.losses.append(0)
        result.weights.append(0)
      } else {
        // loss = sum of q[k] * -log p[k]; its gradient is p * sum(q) - q.
        let q = (0..<c.classes).map { (($0 == label ? 1 - s : 0) + s / Double(c.classes)) * w[$0] }
        result.losses.append(zip(q, p).reduce(0) { $0 - $1.0 * log($1.1) })
        result.weights.append(w[label])
        for k in 0..<c.classes { gradient[place(k)] = p[k] * q.reduce(0, +) - q[k] }
      }
      result.gradients.append(gradient)
    }
    return result
  }

  @Test(arguments: Device.all, cases) func followsTheDefinition(_ device: Device, _ c: Case) throws {
    let shape = [c.rows, c.classes] + c.positions
    let logits = sampleTensor(shape, scale: 2, on: device)
    let labels = Tensor(c.labels, shape: [c.rows] + c.positions, on: device)
    let weights = c.weights.map { Tensor($0, on: device) }
    func loss(_ x: Tensor, _ reduction: LossReduction) -> Tensor {
      crossEntropy(
        x, labels, classWeights: weights, ignoredLabel: c.ignored, smoothing: c.smoothing, reduction: reduction)
    }
    let (losses, labelWeights, gradients) = reference(c, doubles(sample(shape, scale: 2)))
    let total = labelWeights.reduce(0, +)
    try expectClose(loss(logits, .none), losses, "none")
    #expect(loss(logits, .none).shape == labels.shape)
    try expectClose(loss(logits, .sum), [losses.reduce(0, +)], "sum")
    try expectClose(loss(logits, .mean), [losses.reduce(0, +) / total], "mean")
    let sum = gradients.dropFirst().reduce(gradients[0]) { zip($0, $1).map(+) }
    try expectClose(gradient(at: logits) { loss($0, .mean) }, sum.map { $0 / total }, "gradient of the mean")
  }

  @Test(arguments: Device.all) func probabilitiesMayBeTargets(_ device: Device) throws {
    let labels = [1, 0, 3]
    let logits = sampleTensor([3, 4], scale: 3, on: device)
    let weights = Tensor([1, 2, 0.5, 3], on: device)
    let oneHot = Tensor((0..<12).map { labels[$0 / 4] == $0 % 4 ? 1 : 0 } as [Float], shape: [3, 4], on: device)
    // For a certain label both forms agree, but for the mean's divisor.
    let byLabel = crossEntropy(
      logits, Tensor(labels, on: device), classWeights: weights, smoothing: 0.1, reduction: .none)
    let expected = try byLabel.scalars(as: Double.self)
    try expectClose(
      crossEntropy(logits, probabilities: oneHot, classWeights: weights, smoothing: 0.1, reduction: .none), expected)
    try expectClose(
      crossEntropy(logits, probabilities: oneHot, classWeights: weights, smoothing: 0.1), [expected.reduce(0, +) / 3])
    let image = sampleTensor([2, 3, 2, 2], on: device)
    let uniform = Tensor.full([2, 3, 2, 2], 1.0 / 3, on: device)
    #expect(crossEntropy(image, probabilities: uniform, reduction: .none).shape == [2, 2, 2])
  }

  @Test func mismatchedShapesTrapWithBoth() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = crossEntropy(Tensor.zeros([4, 3]), Tensor([0, 1, 2]))
    }
    let message = text(try #require(result).standardErrorContent)
    #expect(message.contains("[4, 3]") && message.contains("[3]"), "\(message)")
  }
}
