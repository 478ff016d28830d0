// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct DeviceCrossEntropyTests {
  struct Case: CustomTestStringConvertible {
    var rows = 5, classes = 10
    var smoothing: Float = 0
    var isWeighted = false
    var dtype = DType.float32, labelType = DType.int64
    var layout = Layout.dense
    var testDescription: String { "\(rows)x\(classes) \(smoothing) \(isWeighted) \(dtype) \(labelType) \(layout)" }

    var logits: [Double] { dtype.rounded(testNumbers(rows * classes, -6...6)) }
    var weights: [Double]? { isWeighted ? DType.float32.rounded(testNumbers(classes, seed: 3, 0.1...2)) : nil }
    /// Good labels, but for one of each kind of the others, where there is room.
    var labels: [Double] {
      (0..<rows).map { row in
        switch row {
        case 1: -100
        case 2: Double(classes)
        case 3: -1
        default: Double((row * 7) % classes)
        }
      }
    }
  }

  static let cases: [Case] = [
    Case(), Case(rows: 1, classes: 1), Case(rows: 65, classes: 33, labelType: .int32), Case(smoothing: 0.1),
    Case(rows: 9, classes: 31, isWeighted: true), Case(rows: 33, classes: 17, smoothing: 0.25, isWeighted: true),
    Case(rows: 6, classes: 5000, smoothing: 0.1, isWeighted: true), Case(rows: 4, classes: 1000, dtype: .float16),
    Case(smoothing: 0.1, isWeighted: true, dtype: .bfloat16, layout: .offset),
    Case(rows: 31, smoothing: 0.1, isWeighted: true, layout: .transposed), Case(labelType: .int32, layout: .holes),
    Case(rows: 8, smoothing: 0.1, layout: .flipped),
  ]

  /// Loss, weight and gradient of a row.
  static func reference(
    _ logits: ArraySlice<Double>, label: Double, _ weights: [Double]?, smoothing: Double
  ) -> (loss: Double, weight: Double, gradient: [Double]) {
    let (x, classes) = (Array(logits), logits.count)
    if label == -100 { return (0, 0, [Double](repeating: 0, count: classes)) }
    guard label >= 0, Int(label) < classes else { return (.nan, .nan, [Double](repeating: .nan, count: classes)) }
    let target = Int(label)
    let logs = DeviceSoftmaxTests.logSoftmax(x)
    // Coefficients of -log p[c].
    var factors = (0..<classes).map { smoothing / Double(classes) * (weights?[$0] ?? 1) }
    factors[target] += (1 - smoothing) * (weights?[target] ?? 1)
    let total = factors.reduce(0, +)
    let loss = zip(factors, logs).reduce(0) { $0 - $1.0 * $1.1 }
    return (loss, weights?[target] ?? 1, zip(factors, logs).map { exp($1) * total - $0 })
  }

  @Test(arguments: Subject.all, cases) func lossesWeightsAndGradients(_ subject: Subject, _ test: Case) throws {
    let backend = subject.backend
    let (rows, classes) = (test.rows, test.classes)
    let options = CrossEntropyOptions(smoothing: test.smoothing)
    let scales = DType.float32.rounded(testNumbers(rows, seed: 4))
    let expected = (0..<rows).map { row in
      Self.reference(
        test.logits[row * classes..<(row + 1) * classes], label: test.labels[row], test.weights,
        smoothing: Double(test.smoothing))
    }
    let vectors = test.layout == .transposed ? .dense : test.layout
    let logits = backend.view(test.logits, [rows, classes], test.dtype, test.layout)
    let labels = backend.view(test.labels, [rows], test.labelType, vectors)
    let classWeights = test.weights.map { backend.view($0, [classes], .float32, vectors) }
    let (losses, weights) = (backend.output([rows]), backend.output([rows]))
    backend.crossEntropy(
      options, logits: logits, labels: labels, classWeights: classWeights, losses: losses, weights: weights)
    expectClose(try backend.values(losses), expected.map(\.loss), relative: 2e-6, absolute: 2e-6, "losses")
    expectClose(try backend.values(weights), expected.map(\.weight), relative: 1e-7, "weights")

    let dLogits = backend.view(
      [Double](repeating: -77, count: rows * classes), [rows, classes], test.dtype, test.layout)
    backend.crossEntropyGradient(
      options, logits: logits, labels: labels, classWeights: classWeights,
      scale: backend.view(scales, [rows], .float32, vectors), into: dLogits)
    expectClose(
      try backend.values(dLogits), zip(expected, scales).flatMap { row, scale in row.gradient.map { $0 * scale } },
      relative: 1e-5 + 1.01 * test.dtype.roundoff, absolute: test.dtype == .float16 ? 6e-8 : 3e-7, "gradient")
  }

  @Test(arguments: Subject.all) func anotherIgnoredLabel(_ subject: Subject) throws {
    let backend = subject.backend
    let (losses, weights) = (backend.output([2]), backend.output([2]))
    backend.crossEntropy(
      CrossEntropyOptions(ignoredLabel: 1), logits: backend.view([0, 0, 0, 0], [2, 2]),
      labels: backend.view([0, 1], [2], .int32), classWeights: nil, losses: losses, weights: weights)
    expectClose(try backend.values(losses), [log(2), 0], relative: 1e-6)
    expectClose(try backend.values(weights), [1, 0])
  }

  @Test(arguments: Subject.all) func largeLogitsStayFinite(_ subject: Subject) throws {
    let backend = subject.backend
    let (losses, weights) = (backend.output([1]), backend.output([1]))
    backend.crossEntropy(
      CrossEntropyOptions(), logits: backend.view([1000, 0, -1000], [1, 3]), labels: backend.view([1], [1], .int64),
      classWeights: nil, losses: losses, weights: weights)
    expectClose(try backend.values(losses), [1000])
  }
}
