// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernNN
import Testing

/// The definitions of the rules beside SGD, Adam and RMSprop, which `OptimizerTests` compares element by element.
extension OptimizerTests {
  static let adaptiveCases: [Case] = [
    adagrad("defaults", Adagrad(learningRate: 0.1)),
    adagrad("all", Adagrad(learningRate: 0.1, rateDecay: 0.2, weightDecay: 0.05, initialSum: 0.3, epsilon: 0.05)),
    adadelta("defaults", Adadelta(learningRate: 5)),
    adadelta("all", Adadelta(learningRate: 2, smoothing: 0.8, epsilon: 1e-3, weightDecay: 0.05)),
    adamax("defaults", Adamax(learningRate: 0.02)),
    adamax("all", Adamax(learningRate: 0.02, betas: (0.8, 0.7), epsilon: 0.01, weightDecay: 0.1)),
    nadam("defaults", NAdam(learningRate: 0.01)),
    nadam("all", NAdam(learningRate: 0.02, betas: (0.8, 0.9), epsilon: 1e-3, weightDecay: 0.1, momentumDecay: 0.3)),
    nadam("decoupled", NAdam(learningRate: 0.02, weightDecay: 0.1, decouplesDecay: true)),
    nadam("of PyTorch 1.13", NAdam(learningRate: 0.02, repeatsMomentum: true)),
    radam("defaults", RAdam(learningRate: 0.01)),
    radam("short memory", RAdam(learningRate: 0.01, betas: (0.8, 0.8))),
    radam("all", RAdam(learningRate: 0.02, betas: (0.85, 0.95), epsilon: 1e-2, weightDecay: 0.1)),
    radam("decoupled", RAdam(learningRate: 0.02, weightDecay: 0.1, decouplesDecay: true)),
    lion("defaults", Lion(learningRate: 0.01)),
    lion("all", Lion(learningRate: 0.02, betas: (0.7, 0.9), weightDecay: 0.3)),
  ]

  private static func adagrad(_ name: String, _ o: Adagrad) -> Case {
    Case("Adagrad \(name)", o) { w, g, t, state in
      let g = g + o.weightDecay * w
      state[0] = (t == 1 ? o.initialSum : state[0]) + g * g
      return w - o.learningRate / (1 + Double(t - 1) * o.rateDecay) * g / (state[0].squareRoot() + o.epsilon)
    }
  }

  private static func adadelta(_ name: String, _ o: Adadelta) -> Case {
    Case("Adadelta \(name)", o) { w, g, t, state in
      let g = g + o.weightDecay * w
      state[0] = o.smoothing * state[0] + (1 - o.smoothing) * g * g
      let step = ((state[1] + o.epsilon) / (state[0] + o.epsilon)).squareRoot() * g
      state[1] = o.smoothing * state[1] + (1 - o.smoothing) * step * step
      return w - o.learningRate * step
    }
  }

  private static func adamax(_ name: String, _ o: Adamax) -> Case {
    Case("Adamax \(name)", o) { w, g, t, state in
      let g = g + o.weightDecay * w
      state[0] = o.betas.0 * state[0] + (1 - o.betas.0) * g
      state[1] = max(o.betas.1 * state[1], abs(g) + o.epsilon)
      return w - o.learningRate / (1 - pow(o.betas.0, Double(t))) * state[0] / state[1]
    }
  }

  /// Both moments after a gradient.
  private static func moments(_ g: Double, _ betas: (Double, Double), _ state: inout [Double]) -> (Double, Double) {
    state[0] = betas.0 * state[0] + (1 - betas.0) * g
    state[1] = betas.1 * state[1] + (1 - betas.1) * g * g
    return (state[0], state[1])
  }

  private static func nadam(_ name: String, _ o: NAdam) -> Case {
    Case("NAdam \(name)", o) { w, g, t, state in
      let g = o.decouplesDecay ? g : g + o.weightDecay * w
      let w = o.decouplesDecay ? w * (1 - o.learningRate * o.weightDecay) : w
      let (m, v) = moments(g, o.betas, &state)
      func momentum(_ t: Int) -> Double { o.betas.0 * (1 - 0.5 * pow(0.96, Double(t) * o.momentumDecay)) }
      let product = (1...t).reduce(1) { $0 * momentum($1) }
      let following = product * momentum(t + 1) * (o.repeatsMomentum ? momentum(t) : 1)
      let mean = (1 - momentum(t)) / (1 - product) * g + momentum(t + 1) / (1 - following) * m
      return w - o.learningRate * mean / ((v / (1 - pow(o.betas.1, Double(t)))).squareRoot() + o.epsilon)
    }
  }

  private static func radam(_ name: String, _ o: RAdam) -> Case {
    Case("RAdam \(name)", o) { w, g, t, state in
      let g = o.decouplesDecay ? g : g + o.weightDecay * w
      let w = o.decouplesDecay ? w * (1 - o.learningRate * o.weightDecay) : w
      let (m, v) = moments(g, o.betas, &state)
      let (time, kept) = (Double(t), pow(o.betas.1, Double(t)))
      let mean = m / (1 - pow(o.betas.0, time))
      let longest = 2 / (1 - o.betas.1) - 1
      let length = longest - 2 * time * kept / (1 - kept)
      guard length > 5 else { return w - o.learningRate * mean }
      let rectification = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
      let adaptive = (1 - kept).squareRoot() / (v.squareRoot() + o.epsilon)
      return w - o.learningRate * mean * rectification.squareRoot() * adaptive
    }
  }

  private static func lion(_ name: String, _ o: Lion) -> Case {
    Case("Lion \(name)", o) { w, g, t, state in
      let direction = o.betas.0 * state[0] + (1 - o.betas.0) * g
      state[0] = o.betas.1 * state[0] + (1 - o.betas.1) * g
      let sign: Double = direction == 0 ? 0 : direction > 0 ? 1 : -1
      return w * (1 - o.learningRate * o.weightDecay) - o.learningRate * sign
    }
  }
}

extension OptimizerTests.Case {
  fileprivate init(
    _ name: String, _ optimizer: some Optimizer & Sendable,
    rule: @escaping @Sendable (Double, Double, Int, inout [Double]) -> Double
  ) {
    self.init(name: name, make: { optimizer }, rule: rule)
  }
}
