// SPDX-License-Identifier: MIT
import Tern

extension Operations {
  static let indexing: [String: Function] = [
    "cumsum": { ["y": $0.x.cumulativeSum(along: $0.attributes.int("dim")!)] },
    "gather": { ["y": $0.x.gathered(at: $0["in.idx"], along: $0.attributes.int("dim")!)] },
    "index_select": { ["y": $0.x.selected($0["in.idx"], along: $0.attributes.int("dim")!)] },
    "scatter_add": { a in
      ["y": a.x.scatterAdding(a["in.src"], at: a["in.idx"], along: a.attributes.int("dim")!)]
    },
    "sort": { a in
      let sorted = a.x.sorted(along: a.attributes.int("dim")!, descending: a.attributes.flag("descending"))
      return ["values": sorted.values, "indices": sorted.positions]
    },
    "topk": { a in
      let t = a.attributes
      let top = a.x.topK(t.int("k")!, along: t.int("dim")!, largest: t.flag("largest"))
      return ["values": top.values, "indices": top.positions]
    },
    "pad": { a in
      let sides = a.attributes.ints("pad")!
      let amounts = (0..<sides.count / 2).map {
        AxisPadding(axis: a.x.rank - 1 - $0, before: sides[2 * $0], after: sides[2 * $0 + 1])
      }
      let mode: PaddingMode =
        switch a.attributes.text("mode") {
        case "reflect": .reflected
        case "replicate": .replicated
        case "circular": .circular
        default: .constant(a.attributes.float("value")!)
        }
      return ["y": a.x.padded(amounts, mode: mode)]
    },
    "flip_roll_tile": { a in
      let t = a.attributes
      let rolled = zip(t.ints("shifts")!, t.ints("dims")!).reduce(a.x.flipped(along: t.ints("flip")!)) {
        $0.rolled(by: $1.0, along: $1.1)
      }
      return ["y": rolled.tiled(t.ints("tile")!)]
    },
    "tril_triu": { a in
      let diagonal = a.attributes.int("k")!
      return ["lower": a.x.lowerTriangle(diagonal: diagonal), "upper": a.x.upperTriangle(diagonal: diagonal)]
    },
    "einsum": { a in
      let operands = [a["in.a"]] + (a.optional("in.b").map { [$0] } ?? [])
      return ["y": einsum(a.attributes.text("equation")!, operands)]
    },
    "bilinear": { ["y": bilinear($0["in.a"], $0["in.b"], $0["p.weight"], $0.optional("p.bias"))] },
    "pairwise_distance": { a in
      let t = a.attributes
      return ["y": pairwiseDistance(a["in.a"], a["in.b"], order: t.float("p")!, epsilon: t.float("eps")!)]
    },
    "cosine_similarity": { a in
      let t = a.attributes
      return ["y": cosineSimilarity(a["in.a"], a["in.b"], axis: t.int("dim")!, epsilon: t.float("eps")!)]
    },
  ]
}
