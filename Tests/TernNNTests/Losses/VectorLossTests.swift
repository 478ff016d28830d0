// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

/// Losses against their formulas in Double, element by element.
@Suite struct VectorLossTests {
  typealias Loss = @Sendable (Tensor, Tensor, LossReduction) -> Tensor
  struct Elementwise: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let loss: Loss
    let reference: @Sendable (Double, Double) -> Double
    /// Middle and half width of predictions, and of targets.
    var predictions = (0.0, 2.0)
    var targets = (0.5, 0.5)
  }

  static let elementwise = [
    Elementwise(
      testDescription: "absolute", loss: { meanAbsoluteError($0, $1, reduction: $2) }, reference: { Swift.abs($0 - $1) }
    ),
    Elementwise(
      testDescription: "huber", loss: { huberLoss($0, $1, delta: 0.7, reduction: $2) },
      reference: { p, t in
        let d = Swift.abs(p - t)
        return d <= 0.7 ? d * d / 2 : 0.7 * (d - 0.35)
      }),
    Elementwise(
      testDescription: "smooth", loss: { smoothAbsoluteError($0, $1, beta: 0.7, reduction: $2) },
      reference: { p, t in
        let d = Swift.abs(p - t)
        return d < 0.7 ? d * d / 1.4 : d - 0.35
      }),
    Elementwise(
      testDescription: "probabilities", loss: { binaryCrossEntropy(probabilities: $0, targets: $1, reduction: $2) },
      reference: { p, t in -(t * log(p) + (1 - t) * log(1 - p)) }, predictions: (0.5, 0.45)),
    Elementwise(
      testDescription: "focal", loss: { focalLoss(logits: $0, targets: $1, alpha: 0.3, gamma: 1.5, reduction: $2) },
      reference: { x, t in
        let p = 1 / (1 + exp(-x))
        let wrong = t * (1 - p) + (1 - t) * p
        return (0.3 * t + 0.7 * (1 - t)) * Foundation.pow(wrong, 1.5) * -(t * log(p) + (1 - t) * log(1 - p))
      }),
    Elementwise(
      testDescription: "divergence", loss: { klDivergence($0, $1, reduction: $2) },
      reference: { x, q in q * (log(q) - x) }, targets: (0.6, 0.5)),
    Elementwise(
      testDescription: "divergence of logarithms",
      loss: { klDivergence($0, $1, targetsAreLogarithms: true, reduction: $2) },
      reference: { x, q in exp(q) * (q - x) }),
    Elementwise(
      testDescription: "poisson", loss: { poissonLoss($0, $1, includesStirling: true, reduction: $2) },
      reference: { x, t in exp(x) - t * x + (t > 1 ? t * log(t) - t + log(2 * .pi * t) / 2 : 0) }, targets: (2, 2)),
    Elementwise(
      testDescription: "poisson rates", loss: { poissonLoss($0, $1, predictionsAreLogarithms: false, reduction: $2) },
      reference: { x, t in x - t * log(x + 1e-8) }, predictions: (2, 1.5), targets: (2, 2)),
    Elementwise(
      testDescription: "hinge", loss: { hingeEmbeddingLoss($0, $1 .> 0.5, margin: 1.5, reduction: $2) },
      reference: { x, t in t > 0.5 ? x : Swift.max(0, 1.5 - x) }),
  ]

  @Test(arguments: Device.all, elementwise) func followsItsDefinition(_ device: Device, _ c: Elementwise) throws {
    let shape = [3, 5]
    let (p, t) = (
      sample(shape, scale: c.predictions.1, shift: c.predictions.0),
      sample(shape, scale: c.targets.1, shift: c.targets.0, phase: 1)
    )
    let (x, y) = (Tensor(p, shape: shape, on: device), Tensor(t, shape: shape, on: device))
    let losses = zip(doubles(p), doubles(t)).map(c.reference)
    try expectClose(c.loss(x, y, .none), losses, relative: 1e-5, absolute: 2e-6)
    try expectClose(c.loss(x, y, .sum), [losses.reduce(0, +)], relative: 1e-5, absolute: 1e-5)
    try expectClose(c.loss(x, y, .mean), [losses.reduce(0, +) / 15], relative: 1e-5, absolute: 1e-6)
    let slopes = zip(doubles(p), doubles(t)).map { p, t in
      (c.reference(p + 1e-6, t) - c.reference(p - 1e-6, t)) / 2e-6
    }
    try expectClose(gradient(at: x) { c.loss($0, y, .sum) }, slopes, relative: 1e-4, absolute: 2e-5)
  }

  @Test(arguments: Device.all) func missingLabelsCountForNothing(_ device: Device) throws {
    let x = Tensor([0.5, 2, -1, 3] as [Float], shape: [2, 2], on: device)
    let t = Tensor([0, .nan, 1, .nan] as [Float], shape: [2, 2], on: device)
    let mask = t .== t
    func loss(_ x: Tensor) -> Tensor {
      meanSquaredError(x, t, weights: Tensor([1, 3] as [Float], on: device), mask: mask)
    }
    try expectClose(loss(x), [(0.25 + 4) / 2])
    try expectClose(gradient(at: x, of: loss), [0.5, 0, -2, 0])
    try expectClose(
      gradient(at: x) { binaryCrossEntropy(logits: $0, targets: t, mask: mask, reduction: .sum) },
      [1 / (1 + exp(-0.5)), 0, 1 / (1 + exp(1)) - 1, 0])
    let none = Tensor([false, false], on: device)
    try expectClose(meanAbsoluteError(x, t, mask: none), [0])
    let image = Tensor([0.2, 0.9, 0.4, 0.7] as [Float], shape: [1, 1, 4], on: device)
    let labels = Tensor([0, 1, .nan, 1] as [Float], shape: [1, 1, 4], on: device)
    try expectClose(diceLoss(image, labels, mask: labels .== labels), [1 - (2 * 1.6 + 1) / (1.8 + 2 + 1)])
    try expectClose(intersectionOverUnionLoss(image, labels, mask: labels .== labels), [1 - 2.6 / (1.8 + 2 - 1.6 + 1)])
  }

  @Test(arguments: Device.all) func likelihoodsPickTheirLabels(_ device: Device) throws {
    let x = logSoftmax(sampleTensor([2, 3, 4], on: device), axis: 1)
    let labels = Tensor([0, 2, 1, -5, 2, 2, 0, 1], shape: [2, 4], on: device)
    let weights = Tensor([0.5, 2, 1] as [Float], on: device)
    for reduction in [LossReduction.mean, .sum, .none] {
      let expected = crossEntropy(x, labels, classWeights: weights, ignoredLabel: -5, reduction: reduction)
      try expectClose(
        negativeLogLikelihood(x, labels, classWeights: weights, ignoredLabel: -5, reduction: reduction),
        try expected.scalars(as: Double.self))
    }
    let gradient = gradient(at: x) { negativeLogLikelihood($0, labels, reduction: .sum).sum() * 0 }
    #expect(gradient.shape == x.shape)
    #expect(try negativeLogLikelihood(x, labels).scalar(as: Float.self).isNaN)
  }

  @Test(arguments: Device.all) func pairsAndTriplets(_ device: Device) throws {
    let tensors = (0..<3).map { sampleTensor([4, 3], phase: Double($0), on: device) }
    let rows = try tensors.map { tensor -> [[Double]] in
      let values = try tensor.scalars(as: Double.self)
      return (0..<4).map { Array(values[$0 * 3..<$0 * 3 + 3]) }
    }
    func distance(_ a: [Double], _ b: [Double], _ order: Double = 2, _ epsilon: Double = 1e-6) -> Double {
      pow(zip(a, b).reduce(0) { $0 + pow(abs($1.0 - $1.1 + epsilon), order) }, 1 / order)
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let (a, p, n) = (tensors[0], tensors[1], tensors[2])
    let targets = Tensor([1, -1, -1, 1], on: device)
    let signs = [1.0, -1, -1, 1]
    try expectClose(
      tripletMarginLoss(anchor: a, positive: p, negative: n, margin: 0.8, order: 1, swaps: true, reduction: .none),
      (0..<4).map { i in
        let far = min(distance(rows[0][i], rows[2][i], 1), distance(rows[1][i], rows[2][i], 1))
        return max(0, distance(rows[0][i], rows[1][i], 1) - far + 0.8)
      })
    try expectClose(
      contrastiveLoss(a, p, targets .> 0, margin: 2, reduction: .none),
      (0..<4).map { i in
        let d = distance(rows[0][i], rows[1][i], 2, 0)
        return signs[i] > 0 ? d * d / 2 : pow(max(0, 2 - d), 2) / 2
      })
    try expectClose(
      cosineEmbeddingLoss(a, n, targets, margin: -0.5, reduction: .none),
      (0..<4).map { i in
        let cosine = dot(rows[0][i], rows[2][i]) / sqrt(dot(rows[0][i], rows[0][i]) * dot(rows[2][i], rows[2][i]))
        return signs[i] > 0 ? 1 - cosine : max(0, cosine + 0.5)
      })
    let scores = (0..<4).map { rows[0][$0][0] - rows[1][$0][0] }
    try expectClose(
      marginRankingLoss(a[.all, 0], p[.all, 0], targets, margin: 0.3, reduction: .none),
      zip(scores, signs).map { max(0, -$1 * $0 + 0.3) })
    // What is its own positive has a gradient all the same.
    let gradient = gradient(at: a) {
      contrastiveLoss($0, a, targets) + tripletMarginLoss(anchor: $0, positive: a, negative: n)
    }
    #expect(try gradient.scalars(as: Float.self).allSatisfy(\.isFinite))
  }

  @Test(arguments: Device.all) func ctcDividesByTheNumberOfLabels(_ device: Device) throws {
    let x = logSoftmax(sampleTensor([4, 2, 3], on: device))
    let (labels, steps) = (Tensor([1, 2, 2, 0], shape: [2, 2], on: device), Tensor([4, 3], on: device))
    let lengths = Tensor([2, 1], on: device)
    func loss(_ reduction: LossReduction) throws -> [Double] {
      try ctcLoss(x, labels, inputLengths: steps, targetLengths: lengths, reduction: reduction).scalars(as: Double.self)
    }
    let losses = try loss(.none)
    try expectClose(Tensor(try loss(.mean)), [(losses[0] / 2 + losses[1]) / 2])
    try expectClose(Tensor(try loss(.sum)), [losses[0] + losses[1]])
  }

  @Test func shapesThatDisagreeTrap() async {
    await #expect(processExitsWith: .failure) { _ = huberLoss(Tensor.zeros([4, 1]), Tensor.zeros([4])) }
    await #expect(processExitsWith: .failure) {
      _ = meanSquaredError(Tensor.zeros([4]), Tensor.zeros([4]), mask: Tensor.zeros([2, 4], dtype: .bool))
    }
  }
}
