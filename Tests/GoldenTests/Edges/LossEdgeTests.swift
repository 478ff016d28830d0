// SPDX-License-Identifier: MIT
import Tern
import TernNN
import Testing

/// Losses over nothing: NaN for a mean, 0 for a sum; with every label ignored; and at values that are not finite.
@Suite struct LossEdgeTests {
  typealias Loss = @Sendable (Tensor, Tensor, LossReduction) -> Tensor

  /// Losses of predictions and targets of one shape.
  static let ofPairs: [(String, Loss)] = [
    ("meanSquaredError", { meanSquaredError($0, $1, reduction: $2) }),
    ("meanAbsoluteError", { meanAbsoluteError($0, $1, reduction: $2) }),
    ("huberLoss", { huberLoss($0, $1, reduction: $2) }),
    ("smoothAbsoluteError", { smoothAbsoluteError($0, $1, reduction: $2) }),
    ("binaryCrossEntropy", { binaryCrossEntropy(logits: $0, targets: $1, reduction: $2) }),
    ("binaryCrossEntropy of probabilities", { binaryCrossEntropy(probabilities: $0, targets: $1, reduction: $2) }),
    ("focalLoss", { focalLoss(logits: $0, targets: $1, reduction: $2) }),
    ("klDivergence", { klDivergence($0, $1, reduction: $2) }),
    ("poissonLoss", { poissonLoss($0, $1, reduction: $2) }),
    ("hingeEmbeddingLoss", { hingeEmbeddingLoss($0, $1, reduction: $2) }),
    ("marginRankingLoss", { marginRankingLoss($0, $0 * 2, $1, reduction: $2) }),
    ("crossEntropy of probabilities", { crossEntropy($0, probabilities: $1, reduction: $2) }),
    ("cosineEmbeddingLoss", { cosineEmbeddingLoss($0, $0, $1.sum(along: 1), reduction: $2) }),
    ("contrastiveLoss", { contrastiveLoss($0, $0 * 2, $1.sum(along: 1), reduction: $2) }),
    ("tripletMarginLoss", { tripletMarginLoss(anchor: $0, positive: $1, negative: $0, reduction: $2) }),
    ("diceLoss", { diceLoss($0.expanded(at: -1), $1.expanded(at: -1), reduction: $2) }),
    (
      "intersectionOverUnionLoss",
      { intersectionOverUnionLoss($0.expanded(at: -1), $1.expanded(at: -1), reduction: $2) }
    ),
  ]

  static let overNothing: [EdgeCase] = ofPairs.flatMap { name, loss in
    [(LossReduction.mean, nan), (.sum, 0)].map { reduction, value in
      EdgeCase(
        "\(name), \(reduction), of nothing", [.empty(0, 2), .empty(0, 2)], shape: [], gives: [value],
        gradients: [[], []]
      ) { loss($0[0], $0[1], reduction) }
    }
  }

  static let ofLabels: [EdgeCase] = [LossReduction.mean, .sum].flatMap { reduction -> [EdgeCase] in
    let nothing = reduction == .mean ? nan : 0
    return [
      EdgeCase(
        "crossEntropy, \(reduction), of nothing", [.empty(0, 3), .indices()], shape: [], gives: [nothing],
        gradients: [[]]
      ) { crossEntropy($0[0], $0[1], reduction: reduction) },
      EdgeCase(
        "crossEntropy, \(reduction), all ignored", [.sample(2, 3), .indices(-100, -100)], gives: [nothing],
        gradients: [[0, 0, 0, 0, 0, 0]]
      ) { crossEntropy($0[0], $0[1], reduction: reduction) },
      EdgeCase(
        "negativeLogLikelihood, \(reduction), of nothing", [.empty(0, 3), .indices()], gives: [nothing],
        gradients: [[]]
      ) { negativeLogLikelihood($0[0], $0[1], reduction: reduction) },
      EdgeCase(
        "negativeLogLikelihood, \(reduction), all ignored", [.sample(2, 3), .indices(-100, -100)],
        gives: [nothing], gradients: [[0, 0, 0, 0, 0, 0]]
      ) { negativeLogLikelihood($0[0], $0[1], reduction: reduction) },
      EdgeCase(
        "ctcLoss, \(reduction), of nothing",
        [.empty(3, 0, 2), Given([0, 1], [], .int64), .indices(), .indices()], gives: [nothing], gradients: [[]]
      ) { ctcLoss($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3], reduction: reduction) },
    ]
  }

  static let notFinite: [EdgeCase] = [
    EdgeCase(
      "crossEntropy, an impossible class", [Given([2, 2], [-inf, 2, 1, 1]), .indices(1, 0)],
      gives: [0, 0.693_147_18], gradients: [[0, 0, -1, 1]]
    ) { crossEntropy($0[0], $0[1], reduction: .none) },
    EdgeCase(
      "crossEntropy, the label impossible", [Given([1, 2], [-inf, 2]), .indices(0)], gives: [inf],
      gradients: [[-1, 1]]
    ) { crossEntropy($0[0], $0[1]) },
    EdgeCase(
      "crossEntropy keeps NaN in its row", [Given([2, 2], [nan, 2, 0, 0]), .indices(0, 1)],
      gives: [nan, 0.693_147_18], gradients: [[nan, nan, 1, -1]]
    ) { crossEntropy($0[0], $0[1], reduction: .none) },
    EdgeCase(
      "crossEntropy ignores NaN with its label", [Given([2, 2], [nan, 2, 0, 0]), .indices(-100, 1)],
      gives: [0.693_147_18], gradients: [[0, 0, 0.5, -0.5]]
    ) { crossEntropy($0[0], $0[1]) },
    EdgeCase("crossEntropy of one class", [Given([1, 1], [5]), .indices(0)], gives: [0], gradients: [[0]]) {
      crossEntropy($0[0], $0[1])
    },
    EdgeCase("meanSquaredError of NaN", [[nan, inf, 1], [0, 0, 3]], gives: [nan, inf, 4]) {
      meanSquaredError($0[0], $0[1], reduction: .none)
    },
    EdgeCase(
      "a mask hides NaN", [[nan, 2], [0, nan], .mask(false, false)], gives: [0], gradients: [[0, 0], [0, 0]]
    ) {
      meanSquaredError($0[0], $0[1], mask: $0[2])
    },
    EdgeCase(
      "binaryCrossEntropy of certain logits", [[inf, -inf, 200, -200], [1, 0, 0, 1]],
      gives: [nan, nan, 200, 200]
    ) { binaryCrossEntropy(logits: $0[0], targets: $0[1], reduction: .none) },
    EdgeCase("binaryCrossEntropy of certain probabilities", [[0, 1, 0, 1], [0, 1, 1, 0]], gives: [0, 0, 100, 100]) {
      binaryCrossEntropy(probabilities: $0[0], targets: $0[1], reduction: .none)
    },
    EdgeCase("klDivergence of -infinity", [[-inf, -1, 0], [0, 0, 1]], gives: [0, 0, 0]) {
      klDivergence($0[0], $0[1], reduction: .none)
    },
    EdgeCase("huberLoss of NaN", [[nan, inf, 1], [0, 0, 3]], gives: [nan, inf, 1.5]) {
      huberLoss($0[0], $0[1], reduction: .none)
    },
    EdgeCase("focalLoss of NaN", [[nan, 0], [1, 1]], gives: [nan, 0.25 * 0.25 * 0.693_147_18]) {
      focalLoss(logits: $0[0], targets: $0[1], reduction: .none)
    },
    EdgeCase("hingeEmbeddingLoss of NaN", [[nan, inf, -inf], [-1, -1, 1]], gives: [nan, 0, -inf]) {
      hingeEmbeddingLoss($0[0], $0[1], reduction: .none)
    },
    EdgeCase("diceLoss of empty regions", [Given([1, 1, 2], [0, 0]), Given([1, 1, 2], [0, 0])], gives: [0]) {
      diceLoss($0[0], $0[1])
    },
    EdgeCase("tripletMarginLoss of NaN", [Given([2, 1], [nan, 1]), Given([2, 1], [1, 1])], gives: [nan, 1]) {
      tripletMarginLoss(anchor: $0[0], positive: $0[1], negative: $0[1], reduction: .none)
    },
  ]

  @Test(arguments: overNothing + ofLabels + notFinite) func isRight(edge: EdgeCase) throws { try edge.check() }
}
