// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  static let networks: [String: Function] = [
    "linear": { ["y": linear($0.x, $0["p.weight"], $0.optional("p.bias"))] },
    "conv2d": convolution,
    "depthwise_conv2d": convolution,
    "max_pool2d": { a in
      let t = a.attributes
      return [
        "y": maxPool2d(
          a.x, window: pair(t, "kernel_size"), stride: pair(t, "stride"), padding: pair(t, "padding"),
          dilation: pair(t, "dilation"), roundsUp: t.flag("ceil_mode"))
      ]
    },
    "avg_pool2d": { a in
      let t = a.attributes
      return [
        "y": averagePool2d(
          a.x, window: pair(t, "kernel_size"), stride: pair(t, "stride"), padding: pair(t, "padding"),
          countsPadding: t.flag("count_include_pad"), divisor: t.int("divisor_override"),
          roundsUp: t.flag("ceil_mode"))
      ]
    },
    "cross_entropy": { a in
      let (target, weights) = (a["in.target"], a.optional("in.class_weight"))
      let smoothing = a.attributes.float("label_smoothing")!
      if target.dtype.isFloatingPoint {
        return [
          "loss": crossEntropy(
            a.x, probabilities: target, classWeights: weights, smoothing: smoothing, reduction: reduction(a))
        ]
      }
      return [
        "loss": crossEntropy(
          a.x, target, classWeights: weights, ignoredLabel: a.attributes.int("ignore_index")!, smoothing: smoothing,
          reduction: reduction(a))
      ]
    },
    "bce_with_logits": { a in
      [
        "loss": binaryCrossEntropy(
          logits: a.x, targets: a["in.target"], weights: a.optional("in.weight"),
          positiveWeight: a.optional("in.pos_weight"), reduction: reduction(a))
      ]
    },
    "mse_loss": { ["loss": meanSquaredError($0.x, $0["in.target"], reduction: reduction($0))] },
  ]

  private static let convolution: Function = { a in
    let t = a.attributes
    let padding = sides(t, axes: 2).map { sides -> Padding in
      .explicit(top: sides[0].0, bottom: sides[0].1, left: sides[1].0, right: sides[1].1)
    }
    return [
      "y": conv2d(
        a.x, a["p.weight"], bias: a.optional("p.bias"), stride: pair(t, "stride"), padding: padding ?? .same,
        dilation: pair(t, "dilation"), groups: t.int("groups")!)
    ]
  }

  private static func reduction(_ a: Arguments) -> LossReduction {
    switch a.attributes.text("reduction") {
    case "none": .none
    case "sum": .sum
    default: .mean
    }
  }
}
