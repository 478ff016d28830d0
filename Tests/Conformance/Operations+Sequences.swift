// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  /// Recurrent networks, attention and embeddings.
  static let sequences: [String: Function] = [
    "rnn": { a in
      let activation = RecurrentActivation(rawValue: a.attributes.text("nonlinearity")!)!
      let run = rnn(
        a.x, stack(a), activation: activation, hidden: a["in.h0"], options: recurrentOptions(a))
      return ["y": run.outputs, "hn": run.hidden]
    },
    "gru": { a in
      let run = gru(a.x, stack(a), hidden: a["in.h0"], options: recurrentOptions(a))
      return ["y": run.outputs, "hn": run.hidden]
    },
    "lstm": { a in
      let run = lstm(a.x, stack(a), hidden: a["in.h0"], cell: a["in.c0"], options: recurrentOptions(a))
      return ["y": run.outputs, "hn": run.hidden, "cn": run.cell]
    },
    "gru_cell": { ["h": gruCell($0.x, hidden: $0["in.h"], weights($0, ""))] },
    "lstm_cell": { a in
      let next = lstmCell(a.x, hidden: a["in.h"], cell: a["in.c"], weights(a, ""))
      return ["h": next.hidden, "c": next.cell]
    },
    "scaled_dot_product_attention": { a in
      [
        "y": scaledDotProductAttention(
          a["in.q"], a["in.k"], a["in.v"], mask: a.optional("in.mask"), causal: a.attributes.flag("causal"))
      ]
    },
    "multi_head_attention": { a in
      // Masks of the set say what is left out.
      let options = AttentionOptions(
        mask: a.optional("in.attn_mask").map { .!$0 }, keyMask: a.optional("in.key_padding_mask").map { .!$0 },
        batchFirst: false)
      let (query, key, value) = (a["in.query"], a["in.key"], a["in.value"])
      let heads = a.attributes.int("num_heads")!
      let run = multiHeadAttentionWithWeights(query, key, value, heads: heads, projections(a), options: options)
      return ["y": run.outputs, "weights": run.weights]
    },
    "transformer_encoder_layer": encoderLayer,
    "embedding": { a in
      ["y": embedding(a["in.idx"], a["p.weight"], paddingIndex: a.attributes.int("padding_idx"))]
    },
    "embedding_bag": { a in
      let mode = EmbeddingBagMode(rawValue: a.attributes.text("mode")!)!
      return ["y": embeddingBag(a["in.idx"], a["p.weight"], mode: mode)]
    },
  ]

  private static func projections(_ a: Arguments) -> AttentionWeights {
    AttentionWeights(
      input: a["p.in_proj_weight"], inputBias: a["p.in_proj_bias"], output: a["p.out_proj_weight"],
      outputBias: a["p.out_proj_bias"])
  }

  private static let encoderLayer: Function = { a in
    let heads = a.attributes.int("num_heads")!
    let options = AttentionOptions(causal: a.attributes.flag("causal"), batchFirst: false)
    let activation: Activation = a.attributes.text("activation") == "gelu" ? .gelu : .relu
    func norm(_ x: Tensor, _ name: String) -> Tensor {
      layerNorm(x, weight: a["p.\(name)_weight"], bias: a["p.\(name)_bias"])
    }
    func attend(_ x: Tensor) -> Tensor { multiHeadAttention(x, x, x, heads: heads, projections(a), options: options) }
    func feedForward(_ x: Tensor) -> Tensor {
      linear(linear(x, a["p.w1"], a["p.b1"], activation: activation), a["p.w2"], a["p.b2"])
    }
    if a.attributes.flag("norm_first") {
      let x = a.x + attend(norm(a.x, "norm1"))
      return ["y": x + feedForward(norm(x, "norm2"))]
    }
    let x = norm(a.x + attend(a.x), "norm1")
    return ["y": norm(x + feedForward(x), "norm2")]
  }

  /// Weights by PyTorch's names, of layer and direction `suffix`.
  private static func weights(_ a: Arguments, _ suffix: String) -> RecurrentWeights {
    RecurrentWeights(
      input: a["p.weight_ih" + suffix], hidden: a["p.weight_hh" + suffix], inputBias: a.optional("p.bias_ih" + suffix),
      hiddenBias: a.optional("p.bias_hh" + suffix))
  }

  private static func stack(_ a: Arguments) -> [[RecurrentWeights]] {
    (0..<a.attributes.int("num_layers")!).map { layer in
      (a.attributes.flag("bidirectional") ? ["", "_reverse"] : [""]).map { weights(a, "_l\(layer)\($0)") }
    }
  }

  private static func recurrentOptions(_ a: Arguments) -> RecurrentOptions {
    RecurrentOptions(batchFirst: a.attributes.flag("batch_first"), lengths: a.optional("in.lengths"))
  }

  /// Whole training runs of a recurrent network.
  static let recurrentTraining: [String: Procedure] = [
    "train_lstm": { _, a, _ in
      let model = Cells(cells: parameters(a))
      return try train(model, model.cells, a) { x in
        let weights = RecurrentWeights(
          input: model["wih"], hidden: model["whh"], inputBias: model["bih"], hiddenBias: model["bhh"])
        let run = lstm(embedding(x, model["emb"]), [[weights]], options: RecurrentOptions(batchFirst: true))
        return linear(run.hidden[0], model["w"], model["b"])
      }
    }
  ]
}
