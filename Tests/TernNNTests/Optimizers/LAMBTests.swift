// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernNN
import TestSupport
import Testing

/// Beside the other rules, since its steps depend on all elements of a parameter.
@Suite struct LAMBTests {
  private struct Cells: Module { let cells: [Parameter] }

  @Test(arguments: Device.all) func stepsFollowTheDefinition(_ device: Device) throws {
    let rate = 0.1, betas = (0.8, 0.9), epsilon = 1e-3, decay = 0.05
    var optimizer = LAMB(learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: decay)
    // Of zeros, with a gradient of zeros, and one that has neither.
    let shapes = [[3, 5], [7], [4]]
    let starts = [sample([3, 5]), [Float](repeating: 0, count: 7), sample([4])]
    let parameters = Cells(cells: zip(starts, shapes).map { Parameter(Tensor($0, shape: $1, on: device)) }).parameters()
    var weights = starts.map { $0.map(Double.init) }
    var means = weights.map { $0.map { _ in 0.0 } }
    var variances = means
    for t in 1...6 {
      let gradients = shapes.enumerated().map { $0 == 2 ? [0, 0, 0, 0] : sample($1, phase: Double(t + $0)) }
      try optimizer.update(
        parameters,
        with: Gradients(
          parameters: parameters, values: zip(gradients, shapes).map { Tensor($0, shape: $1, on: device) }))
      for place in shapes.indices {
        for (index, g) in gradients[place].map(Double.init).enumerated() {
          means[place][index] = betas.0 * means[place][index] + (1 - betas.0) * g
          variances[place][index] = betas.1 * variances[place][index] + (1 - betas.1) * g * g
        }
        let direction = weights[place].indices.map { index -> Double in
          let mean = means[place][index] / (1 - pow(betas.0, Double(t)))
          let deviation = (variances[place][index] / (1 - pow(betas.1, Double(t)))).squareRoot()
          return mean / (deviation + epsilon) + decay * weights[place][index]
        }
        func norm(_ numbers: [Double]) -> Double { numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let (size, length) = (norm(weights[place]), norm(direction))
        let ratio = size > 0 && length > 0 ? size / length : 1
        for index in direction.indices { weights[place][index] -= rate * ratio * direction[index] }
        try expectClose(
          parameters[place].parameter.value, weights[place], relative: 5e-5, absolute: 5e-6, "step \(t), \(place)")
      }
    }
  }
}
