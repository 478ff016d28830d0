// SPDX-License-Identifier: MIT
import ArgumentParser
import TernNN

/// The update rules that the tool offers, each with the step size that suits it.
enum OptimizerName: String, CaseIterable, ExpressibleByArgument {
  case sgd, adam, adamw, rmsprop

  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// - Parameter learningRate: the rule's usual one if nil.
  func makeOptimizer(learningRate: Double?) -> any Optimizer {
    switch self {
    case .sgd: SGD(learningRate: learningRate ?? 1e-2, momentum: 0.9)
    case .adam: Adam(learningRate: learningRate ?? 1e-3)
    case .adamw: AdamW(learningRate: learningRate ?? 1e-3)
    case .rmsprop: RMSprop(learningRate: learningRate ?? 1e-3)
    }
  }
}
