// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  static let losses: [String: Function] = [
    "nll_loss": { a in
      [
        "loss": negativeLogLikelihood(
          a.x, a["in.target"], classWeights: a.optional("in.class_weight"),
          ignoredLabel: a.attributes.int("ignore_index")!, reduction: reduction(a))
      ]
    },
    "bce": { a in
      [
        "loss": binaryCrossEntropy(
          probabilities: a.x, targets: a["in.target"], weights: a.optional("in.weight"), reduction: reduction(a))
      ]
    },
    "l1_loss": { ["loss": meanAbsoluteError($0.x, $0["in.target"], reduction: reduction($0))] },
    "huber_loss": { a in
      ["loss": huberLoss(a.x, a["in.target"], delta: a.attributes.float("delta")!, reduction: reduction(a))]
    },
    "smooth_l1_loss": { a in
      ["loss": smoothAbsoluteError(a.x, a["in.target"], beta: a.attributes.float("beta")!, reduction: reduction(a))]
    },
    "kl_div": { a in
      let logarithms = a.attributes.flag("log_target")
      if a.attributes.text("reduction") == "batchmean" {
        return ["loss": klDivergenceOfBatch(a.x, a["in.target"], targetsAreLogarithms: logarithms)]
      }
      return ["loss": klDivergence(a.x, a["in.target"], targetsAreLogarithms: logarithms, reduction: reduction(a))]
    },
    "cosine_embedding_loss": { a in
      [
        "loss": cosineEmbeddingLoss(
          a["in.a"], a["in.b"], a["in.target"], margin: a.attributes.float("margin")!, reduction: reduction(a))
      ]
    },
    "triplet_margin_loss": { a in
      let t = a.attributes
      return [
        "loss": tripletMarginLoss(
          anchor: a["in.anchor"], positive: a["in.positive"], negative: a["in.negative"], margin: t.float("margin")!,
          order: t.float("p")!, swaps: t.flag("swap"), reduction: reduction(a))
      ]
    },
    "margin_ranking_loss": { a in
      [
        "loss": marginRankingLoss(
          a["in.a"], a["in.b"], a["in.target"], margin: a.attributes.float("margin")!, reduction: reduction(a))
      ]
    },
    "hinge_embedding_loss": { a in
      [
        "loss": hingeEmbeddingLoss(
          a.x, a["in.target"], margin: a.attributes.float("margin")!, reduction: reduction(a))
      ]
    },
    "ctc_loss": { a in
      [
        "loss": ctcLoss(
          logSoftmax(a["in.logits"]), a["in.targets"], inputLengths: a["in.input_lengths"],
          targetLengths: a["in.target_lengths"], blank: a.attributes.int("blank")!,
          zeroesInfinity: a.attributes.flag("zero_infinity"), reduction: reduction(a))
      ]
    },
    "poisson_nll_loss": { a in
      [
        "loss": poissonLoss(
          a.x, a["in.target"], predictionsAreLogarithms: a.attributes.flag("log_input"),
          includesStirling: a.attributes.flag("full"), reduction: reduction(a))
      ]
    },
  ]

  static let furtherActivations: [String: Function] = [
    "relu6": { ["y": relu6($0.x)] },
    "selu": { ["y": selu($0.x)] },
    "celu": { ["y": celu($0.x, alpha: $0.attributes.float("alpha")!)] },
    "mish": { ["y": mish($0.x)] },
    "softsign": { ["y": softsign($0.x)] },
    "logsigmoid": { ["y": logSigmoid($0.x)] },
    "hardtanh": { ["y": hardTanh($0.x, min: $0.attributes.float("min")!, max: $0.attributes.float("max")!)] },
    "hardswish": { ["y": hardSwish($0.x)] },
    "hardsigmoid": { ["y": hardSigmoid($0.x)] },
    "prelu": { ["y": prelu($0.x, $0["p.weight"])] },
    "glu": { ["y": glu($0.x, axis: $0.attributes.int("dim")!)] },
  ]

  private static func reduction(_ a: Arguments) -> LossReduction {
    switch a.attributes.text("reduction") {
    case "none": .none
    case "sum": .sum
    default: .mean
    }
  }
}
