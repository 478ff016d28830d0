// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct CPUCrossEntropyTests {
  /// Loss of one row, as `CrossEntropyOptions` states it.
  func loss(_ x: [Double], _ label: Int, _ w: [Double], _ s: Double) -> Double {
    let greatest = x.max()!
    let logSum = greatest + log(x.reduce(0) { $0 + exp($1 - greatest) })
    let minusLog = x.map { logSum - $0 }
    return (1 - s) * w[label] * minusLog[label] + s / Double(x.count) * zip(w, minusLog).reduce(0) { $0 + $1.0 * $1.1 }
  }

  @Test(arguments: everyCPU) func lossesWeightsAndGradients(_ cpu: CPUBackend) {
    var random = SplitMix(state: 10)
    for (rows, classes) in [(1, 1), (5, 10), (7, 33), (2, 65)] {
      let x = random.floats(rows * classes, in: -20...20)
      let scale = random.floats(rows)
      var labels = (0..<rows).map { _ in Int32.random(in: 0..<Int32(classes), using: &random) }
      if rows > 4 { labels[1] = -7 }
      let w = random.floats(classes, in: 0.1...3)
      for (weights, smoothing) in [(nil, Float(0)), (w, 0), (nil, 0.1), (w, 0.3)] as [([Float]?, Float)] {
        let options = CrossEntropyOptions(smoothing: smoothing, ignoredLabel: -7)
        let logits = cpu.view(x, [rows, classes])
        let classWeights = weights.map { cpu.view($0) }
        let losses = cpu.scratch([rows])
        let rowWeights = cpu.scratch([rows])
        let gradient = cpu.scratch([rows, classes])
        let target = cpu.view(labels, .int32)
        cpu.crossEntropy(
          options, logits: logits, labels: target, classWeights: classWeights, losses: losses, weights: rowWeights)
        cpu.crossEntropyGradient(
          options, logits: logits, labels: target, classWeights: classWeights, scale: cpu.view(scale), into: gradient)
        let used = (weights ?? [Float](repeating: 1, count: classes)).map(Double.init)
        var wantLoss: [Double] = []
        var wantWeight: [Double] = []
        var wantGradient: [Double] = []
        for row in 0..<rows {
          let logits = x[row * classes..<(row + 1) * classes].map(Double.init)
          let label = Int(labels[row])
          let isIgnored = label == -7
          wantLoss.append(isIgnored ? 0 : loss(logits, label, used, Double(smoothing)))
          wantWeight.append(isIgnored ? 0 : used[label])
          for c in 0..<classes {
            var up = logits
            var down = logits
            up[c] += 1e-4
            down[c] -= 1e-4
            let slope =
              isIgnored
              ? 0 : (loss(up, label, used, Double(smoothing)) - loss(down, label, used, Double(smoothing))) / 2e-4
            wantGradient.append(Double(scale[row]) * slope)
          }
        }
        let label = "\(rows)x\(classes) weighted \(weights != nil) smoothing \(smoothing)"
        expectClose(cpu.floats(losses), wantLoss, relative: 1e-5, absolute: 1e-5, label)
        expectClose(cpu.floats(rowWeights), wantWeight, label)
        expectClose(cpu.floats(gradient), wantGradient, relative: 1e-4, absolute: 2e-6, label)
      }
    }
  }

  @Test(arguments: everyCPU) func aLabelOutOfRangeGivesNaN(_ cpu: CPUBackend) {
    let losses = cpu.scratch([3])
    let weights = cpu.scratch([3])
    let gradient = cpu.scratch([3, 2])
    let logits = cpu.view([1, 2, 3, 4, 5, 6], [3, 2])
    let labels = cpu.view([2, -1, 1] as [Int64], .int64)
    let options = CrossEntropyOptions()
    cpu.crossEntropy(
      options, logits: logits, labels: labels, classWeights: nil, losses: losses, weights: weights)
    cpu.crossEntropyGradient(
      options, logits: logits, labels: labels, classWeights: nil, scale: cpu.view([1, 1, 1]), into: gradient)
    #expect(cpu.floats(losses).map(\.isNaN) == [true, true, false])
    #expect(cpu.floats(gradient).map(\.isNaN) == [true, true, true, true, false, false])
  }

  @Test func stridedHalfLogitsAndStridedLabels() {
    let cpu = everyCPU[0]
    let values: [Float] = [1, 2, -3, 0.5, 4, -1]
    let stored = cpu.scratch([6], .float16)
    cpu.convert(cpu.view(values), into: stored)
    let logits = stored.viewed(shape: [3, 2], strides: [1, 3])
    let labels = cpu.view([1, 9, 0, 9, 1, 9] as [Int32], .int32).viewed(shape: [3], strides: [2])
    let losses = cpu.scratch([3])
    let weights = cpu.scratch([3])
    cpu.crossEntropy(
      CrossEntropyOptions(), logits: logits, labels: labels, classWeights: nil, losses: losses, weights: weights)
    let want = [(0, 3, 1), (1, 4, 0), (2, 5, 1)].map { a, b, label in
      loss([Double(values[a]), Double(values[b])], label, [1, 1], 0)
    }
    expectClose(cpu.floats(losses), want)
  }
}
