// SPDX-License-Identifier: MIT
import Tern
import TestSupport

@testable import TernNN

/// The losses, each at least once; what they give for no reduction is a list of numbers.
enum SecondOrderLosses {
  static let all: [DerivativeCase] = [
    pair("meanSquaredError") { meanSquaredError($0, $1) }, pair("meanAbsoluteError") { meanAbsoluteError($0, $1) },
    pair("huberLoss") { huberLoss($0, $1, delta: 0.3, reduction: .none) },
    pair("smoothAbsoluteError") { smoothAbsoluteError($0, $1, beta: 0.4, reduction: .sum) },
    pair("hingeEmbeddingLoss") { hingeEmbeddingLoss($0, signs($1), margin: 0.8, reduction: .none) },
    pair("marginRankingLoss") { marginRankingLoss($0, $1, signs($1), margin: 0.3, reduction: .none) },
    pair("contrastiveLoss") { contrastiveLoss($0, $1, mask($0), margin: 2, reduction: .none) },
    pair("cosineEmbeddingLoss") { cosineEmbeddingLoss($0, $1, mask($0), margin: -0.9, reduction: .none) },
    pair("klDivergence") { klDivergence($0, $1, targetsAreLogarithms: true, reduction: .none) },
    single("klDivergenceOfBatch") { klDivergenceOfBatch(logSoftmax($0), softmax($1)) },
    single("poissonLoss") { poissonLoss($0, square($1), reduction: .none) },
    single("binaryCrossEntropy") { binaryCrossEntropy(logits: $0, targets: sigmoid($1), reduction: .none) },
    single("binaryCrossEntropy of probabilities") {
      binaryCrossEntropy(probabilities: sigmoid($0), targets: sigmoid($1), reduction: .none)
    },
    single("focalLoss") { focalLoss(logits: $0, targets: sigmoid($1), reduction: .none) },
    single("diceLoss") { diceLoss(planes(sigmoid($0)), regions($1), reduction: .none) },
    single("intersectionOverUnionLoss") {
      intersectionOverUnionLoss(planes(sigmoid($0)), regions($1), reduction: .none)
    },
    single("crossEntropy") { x, _ in crossEntropy(x, labels(x), smoothing: 0.1) },
    single("crossEntropy of probabilities") { x, t in crossEntropy(x, probabilities: softmax(t)) },
    single("negativeLogLikelihood") { x, _ in negativeLogLikelihood(logSoftmax(x, axis: 1), labels(x)) },
    DerivativeCase("tripletMarginLoss", inputs: [.init([3, 4]), .init([3, 4]), .init([3, 4])]) {
      tripletMarginLoss(anchor: $0[0], positive: $0[1], negative: $0[2], margin: 3, swaps: true, reduction: .none)
    },
    DerivativeCase("ctcLoss", [4, 2, 3]) { x in
      func list(_ numbers: [Int], _ shape: [Int]) -> Tensor { Tensor(numbers, shape: shape, on: x.device) }
      return ctcLoss(
        logSoftmax(x), list([1, 2, 2, 2], [2, 2]), inputLengths: list([4, 3], [2]), targetLengths: list([2, 2], [2]))
    },
  ]

  private static func pair(
    _ name: String, _ loss: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> DerivativeCase {
    DerivativeCase(name, inputs: [.init([3, 4], .transposed), .init([3, 4])]) { loss($0[0], $0[1]) }
  }

  /// A loss whose targets are constant.
  private static func single(
    _ name: String, _ loss: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> DerivativeCase {
    DerivativeCase(name, [3, 4], .transposed) { loss($0, sampleTensor([3, 4], phase: 2.3, on: $0.device)) }
  }

  private static func labels(_ x: Tensor) -> Tensor { Tensor([2, 0, 3], on: x.device) }
  private static func signs(_ x: Tensor) -> Tensor { sign(x.detached()) }
  /// Whether each pair of vectors belongs together.
  private static func mask(_ x: Tensor) -> Tensor { Tensor([1, 0, 1] as [Float], on: x.device) }
  private static func planes(_ x: Tensor) -> Tensor { x.reshaped(to: [3, 2, 2]) }
  private static func regions(_ x: Tensor) -> Tensor { (planes(x) .> 0).cast(to: .float32) }
}
