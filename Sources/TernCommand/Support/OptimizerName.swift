// SPDX-License-Identifier: MIT
import ArgumentParser
import TernNN

/// The update rules that the tool offers, each with the step size that suits it: all of the library.
enum OptimizerName: String, CaseIterable, ExpressibleByArgument {
  case sgd, adam, adamw, adagrad, adadelta, adamax, nadam, radam, rmsprop, lamb, lion

  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// The step size where none is given.
  var usualRate: Double {
    switch self {
    case .sgd, .adagrad: 1e-2
    case .adadelta: 1
    case .adamax, .nadam: 2e-3
    case .lion: 1e-4
    case .adam, .adamw, .radam, .rmsprop, .lamb: 1e-3
    }
  }

  /// - Parameters:
  ///   - learningRate: the rule's usual one if nil.
  ///   - weightDecay: the rule's usual one if nil.
  func makeOptimizer(learningRate: Double? = nil, weightDecay: Double? = nil) -> any Optimizer {
    let (rate, decay) = (learningRate ?? usualRate, weightDecay ?? 0)
    return switch self {
    case .sgd: SGD(learningRate: rate, momentum: 0.9, weightDecay: decay)
    case .adam: Adam(learningRate: rate, weightDecay: decay)
    case .adamw: AdamW(learningRate: rate, weightDecay: weightDecay ?? 0.01)
    case .adagrad: Adagrad(learningRate: rate, weightDecay: decay)
    case .adadelta: Adadelta(learningRate: rate, weightDecay: decay)
    case .adamax: Adamax(learningRate: rate, weightDecay: decay)
    case .nadam: NAdam(learningRate: rate, weightDecay: decay)
    case .radam: RAdam(learningRate: rate, weightDecay: decay)
    case .rmsprop: RMSprop(learningRate: rate, weightDecay: decay)
    case .lamb: LAMB(learningRate: rate, weightDecay: decay)
    case .lion: Lion(learningRate: rate, weightDecay: decay)
    }
  }
}
