// SPDX-License-Identifier: MIT
import Tern

extension Operations {
  static let activations: [String: Function] = [
    "relu": { ["y": relu($0.x)] },
    "leaky_relu": { ["y": leakyReLU($0.x, negativeSlope: $0.attributes.float("negative_slope")!)] },
    "elu": { ["y": elu($0.x, alpha: $0.attributes.float("alpha")!)] },
    "gelu": { ["y": gelu($0.x, approximation: $0.attributes.text("approximate") == "tanh" ? .tanh : .none)] },
    "silu": { ["y": silu($0.x)] },
    "softplus": { ["y": softplus($0.x, beta: $0.attributes.float("beta")!)] },
    "sigmoid": { ["y": sigmoid($0.x)] },
    "tanh": { ["y": tanh($0.x)] },
    "softmax": { ["y": softmax($0.x, axis: $0.attributes.int("dim")!)] },
    "log_softmax": { ["y": logSoftmax($0.x, axis: $0.attributes.int("dim")!)] },
  ]

  static let mathematics: [String: Function] = [
    "unary": { a in unary[a.attributes.text("fn")!].map { ["y": $0(a.x)] } },
    "binary_broadcast": { a in binary[a.attributes.text("fn")!].map { ["y": $0(a["in.a"], a["in.b"])] } },
    "clamp": { ["y": clamp($0.x, min: $0.attributes.float("min"), max: $0.attributes.float("max"))] },
    "where": { ["y": `where`($0["in.cond"], $0["in.a"], $0["in.b"])] },
    "reduce": { a in reduce(a).map { ["y": $0] } },
    "argmax_argmin": { a in
      let (axis, keeps) = (a.attributes.int("dim")!, a.attributes.flag("keepdim"))
      return [
        "argmax": a.x.argMax(along: axis, keepingDimensions: keeps),
        "argmin": a.x.argMin(along: axis, keepingDimensions: keeps),
      ]
    },
    "matmul": { ["y": matmul($0["in.a"], $0["in.b"])] },
  ]

  private static let unary: [String: @Sendable (Tensor) -> Tensor] = [
    "exp": { exp($0) }, "log": { log($0) }, "sqrt": { sqrt($0) }, "rsqrt": { rsqrt($0) }, "square": { square($0) },
    "reciprocal": { reciprocal($0) }, "sin": { sin($0) }, "cos": { cos($0) }, "tan": { tan($0) },
    "abs": { abs($0) }, "neg": { -$0 }, "erf": { erf($0) }, "log1p": { logOnePlus($0) }, "expm1": { expMinusOne($0) },
    "atan": { atan($0) }, "asin": { asin($0) }, "sinh": { sinh($0) }, "cosh": { cosh($0) },
  ]

  private static let binary: [String: @Sendable (Tensor, Tensor) -> Tensor] = [
    "add": { $0 + $1 }, "sub": { $0 - $1 }, "mul": { $0 * $1 }, "div": { $0 / $1 }, "pow": { pow($0, $1) },
    "maximum": { maximum($0, $1) }, "minimum": { minimum($0, $1) },
  ]

  private static func reduce(_ a: Arguments) -> Tensor? {
    let (axes, keeps) = (a.attributes.ints("dim"), a.attributes.flag("keepdim"))
    let unbiased = a.attributes.flag("unbiased")
    let x = a.x
    switch a.attributes.text("fn") {
    case "sum": return x.sum(along: axes, keepingDimensions: keeps)
    case "mean": return x.mean(along: axes, keepingDimensions: keeps)
    case "max": return x.max(along: axes, keepingDimensions: keeps)
    case "min": return x.min(along: axes, keepingDimensions: keeps)
    case "prod": return x.product(along: axes, keepingDimensions: keeps)
    case "logsumexp": return x.logSumExp(along: axes, keepingDimensions: keeps)
    case "var": return x.variance(along: axes, keepingDimensions: keeps, unbiased: unbiased)
    case "std": return x.standardDeviation(along: axes, keepingDimensions: keeps, unbiased: unbiased)
    case "norm": return x.norm(order: a.attributes.float("ord")!, along: axes, keepingDimensions: keeps)
    default: return nil
    }
  }
}
