// SPDX-License-Identifier: MIT
@testable import Tern

extension KernelTour {
  /// Recurrent layers, attention and bags of rows, with their gradients.
  static let sequences: [Stop] = [
    Stop("recurrent layers") { device in
      // 19 units are a vector and a part of one.
      [(4, nil), (3, nil), (1, nil), (4, Tensor([3, 1], on: device))].flatMap { gates, lengths -> [Tensor] in
        let shapes = [[3, 2, 5], [gates * 19, 5], [gates * 19, 19], [gates * 19], [gates * 19]]
        return valueAndGradients(at: shapes.map { normal($0, on: device) * 0.5 }) { x in
          let weights = [[RecurrentWeights(input: x[1], hidden: x[2], inputBias: x[3], hiddenBias: x[4])]]
          let options = RecurrentOptions(lengths: lengths)
          let y =
            gates == 4
            ? lstm(x[0], weights, options: options).outputs
            : gates == 3
              ? gru(x[0], weights, options: options).outputs
              : rnn(x[0], weights, activation: .relu, options: options).outputs
          return square(y + 1).sum()
        }.gradients
      }
    },
    Stop("attention") { device in
      let shapes = [[2, 3, 2, 4], [2, 3, 19, 4], [2, 3, 19, 5]]
      let masks = [normal([19], on: device) .> 0, normal([19, 2], on: device).transposed(), nil]
      return masks.flatMap { mask -> [Tensor] in
        valueAndGradients(at: shapes.map { normal($0, on: device) }) { x in
          square(scaledDotProductAttention(x[0], x[1], x[2], mask: mask, causal: mask == nil)).sum()
        }.gradients
      }
    },
    Stop("bags of rows") { device in
      let indices = Tensor([3, 0, 3, 1, 4, 2, 4], on: device)
      let offsets = Tensor([0, 3, 3, 5], on: device)
      return EmbeddingBagMode.allCases.map { mode in
        gradient(at: normal([5, 19], on: device)) {
          square(embeddingBag(indices, $0, offsets: offsets, mode: mode, paddingIndex: 2)).sum()
        }
      }
    },
  ]
}
