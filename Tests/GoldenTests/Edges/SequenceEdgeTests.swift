// SPDX-License-Identifier: MIT
import Tern
import TernNN
import TestSupport
import Testing

/// Recurrent networks, attention and alignments of nothing, of one step, and with everything masked.
@Suite struct SequenceEdgeTests {
  private static func none(_ count: Int) -> [Double] { [Double](repeating: 0, count: count) }

  private static func weights(_ x: [Tensor]) -> [[RecurrentWeights]] {
    [[RecurrentWeights(input: x[1], hidden: x[2], inputBias: x[3], hiddenBias: x[4])]]
  }

  static let recurrent: [EdgeCase] = [
    EdgeCase(
      "lstm without samples", [.empty(2, 0, 3), .sample(8, 3), .sample(8, 2), .sample(8), .sample(8)],
      shape: [2, 0, 2], gradients: [[], none(24), none(16), none(8), none(8)]
    ) { lstm($0[0], weights($0)).outputs },
    EdgeCase(
      "gru without samples", [.empty(2, 0, 3), .sample(6, 3), .sample(6, 2), .sample(6), .sample(6)],
      shape: [2, 0, 2], gradients: [[], none(18), none(12), none(6), none(6)]
    ) { gru($0[0], weights($0)).outputs },
    EdgeCase(
      "rnn without samples", [.empty(2, 0, 3), .sample(2, 3), .sample(2, 2), .sample(2), .sample(2)],
      shape: [1, 0, 2], gradients: [[], none(6), none(4), none(2), none(2)]
    ) { rnn($0[0], weights($0)).hidden },
    EdgeCase(
      "lstm of one step, one sample, one unit",
      [
        Given([1, 1, 1], [1]), Given([4, 1], [0, 0, 0, 0]), Given([4, 1], [0, 0, 0, 0]), [0, 0, 1, 0], [0, 0, 0, 0],
      ],
      shape: [1, 1, 1], gives: [0.181_699_768]
    ) { lstm($0[0], weights($0)).outputs },
    EdgeCase(
      "lstm keeps NaN in its sample",
      [Given([2, 2, 1], [nan, 1, 1, 1]), .sample(4, 1), .sample(4, 1), .sample(4), .sample(4)], shape: [2, 2, 1]
    ) { lstm($0[0], weights($0)).outputs },
    EdgeCase(
      "gru of infinity", [Given([1, 2, 1], [inf, 1]), .sample(3, 1), .sample(3, 1), .sample(3), .sample(3)],
      shape: [1, 2, 1]
    ) { gru($0[0], weights($0)).outputs },
    EdgeCase(
      "rnn of infinity", [Given([1, 2, 1], [inf, -inf]), Given([1, 1], [1]), Given([1, 1], [1]), [0], [0]],
      gives: [1, -1]
    ) { rnn($0[0], weights($0)).outputs },
    EdgeCase(
      "lengths of 0",
      [.sample(2, 2, 1), .sample(4, 1), .sample(4, 1), .sample(4), .sample(4), .indices(0, 0)], shape: [2, 2, 1],
      gives: [0, 0, 0, 0], gradients: [none(4), none(4), none(4), none(4), none(4)]
    ) { lstm($0[0], weights($0), options: RecurrentOptions(lengths: $0[5])).outputs },
  ]

  static let attention: [EdgeCase] = [
    EdgeCase(
      "no keys", [.sample(1, 2, 3), .empty(1, 0, 3), .empty(1, 0, 2)], shape: [1, 2, 2], gives: [0, 0, 0, 0],
      gradients: [none(6), [], []]
    ) { scaledDotProductAttention($0[0], $0[1], $0[2]) },
    EdgeCase(
      "no queries", [.empty(1, 0, 3), .sample(1, 2, 3), .sample(1, 2, 2)], shape: [1, 0, 2],
      gradients: [[], none(6), none(4)]
    ) { scaledDotProductAttention($0[0], $0[1], $0[2]) },
    EdgeCase(
      "no samples", [.empty(0, 2, 2, 3), .empty(0, 2, 4, 3), .empty(0, 2, 4, 1)], shape: [0, 2, 2, 1],
      gradients: [[], [], []]
    ) { scaledDotProductAttention($0[0], $0[1], $0[2], causal: true) },
    EdgeCase(
      "a row without keys", [.sample(1, 2, 3), .sample(1, 2, 3), Given([1, 2, 2], [1, 1, 1, 1])],
      gives: [0, 0, 1, 1]
    ) {
      let mask = Tensor([false, false, true, true], shape: [2, 2], on: $0[0].device)
      return scaledDotProductAttention($0[0], $0[1], $0[2], mask: mask)
    },
    EdgeCase(
      "-infinity everywhere", [.sample(1, 2, 3), .sample(1, 2, 3), .sample(1, 2, 2)], gives: [0, 0, 0, 0],
      gradients: [none(6), none(6), none(4)]
    ) {
      scaledDotProductAttention($0[0], $0[1], $0[2], mask: Tensor.full([2, 2], -.infinity, on: $0[0].device))
    },
    EdgeCase(
      "one key", [.sample(1, 1, 3), .sample(1, 1, 3), Given([1, 1, 2], [4, 5])], gives: [4, 5],
      gradients: [none(3), none(3), [1, 2]]
    ) { scaledDotProductAttention($0[0], $0[1], $0[2]) },
    EdgeCase(
      "a masked value of NaN is still read", [.sample(1, 1, 2), .sample(1, 2, 2), Given([1, 2, 1], [1, nan])],
      gives: [nan]
    ) {
      scaledDotProductAttention(
        $0[0], $0[1], $0[2], mask: Tensor([true, false], shape: [1, 2], on: $0[0].device))
    },
    EdgeCase(
      "a query of NaN keeps to its row", [Given([1, 2, 1], [nan, 0]), .sample(1, 2, 1), Given([1, 2, 1], [1, 3])],
      gives: [nan, 2]
    ) { scaledDotProductAttention($0[0], $0[1], $0[2]) },
    EdgeCase(
      "several heads without samples", [.empty(0, 3, 4), .sample(12, 4), .sample(4, 4)], shape: [0, 3, 4],
      gradients: [[], none(48), none(16)]
    ) {
      multiHeadAttention(
        $0[0], $0[0], $0[0], heads: 2, AttentionWeights(input: $0[1], output: $0[2]),
        options: AttentionOptions(batchFirst: true))
    },
  ]

  private static let even = Given(
    [3, 1, 2], [-0.693_147_18, -0.693_147_18, -0.693_147_18, -0.693_147_18, -0.693_147_18, -0.693_147_18])

  static let alignments: [EdgeCase] = [
    EdgeCase(
      "no samples", [.empty(3, 0, 2), Given([0, 1], [], .int64), .indices(), .indices()], shape: [0],
      gradients: [[]]
    ) { ctcLosses($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3]) },
    EdgeCase("no targets", [even, Given([1, 0], [], .int64), .indices(3), .indices(0)], gives: [2.079_441_54]) {
      ctcLosses($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3])
    },
    EdgeCase(
      "no steps and no targets", [even, Given([1, 1], [1], .int64), .indices(0), .indices(0)], gives: [0],
      gradients: [none(6)]
    ) { ctcLosses($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3]) },
    EdgeCase("too few steps", [even, Given([1, 2], [1, 1], .int64), .indices(2), .indices(2)], gives: [inf]) {
      ctcLosses($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3])
    },
    EdgeCase(
      "too few steps, made 0", [even, Given([1, 2], [1, 1], .int64), .indices(2), .indices(2)], gives: [0],
      gradients: [none(6)]
    ) { ctcLosses($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3], zeroesInfinity: true) },
    EdgeCase("NaN", [Given([1, 1, 2], [nan, -1]), Given([1, 1], [1], .int64), .indices(1), .indices(1)], gives: [1]) {
      ctcLosses($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3])
    },
    EdgeCase(
      "the only path is impossible",
      [Given([1, 1, 2], [0, -inf]), Given([1, 1], [1], .int64), .indices(1), .indices(1)], gives: [inf]
    ) { ctcLosses($0[0], $0[1], inputLengths: $0[2], targetLengths: $0[3]) },
  ]

  @Test(arguments: recurrent + attention + alignments) func isRight(edge: EdgeCase) throws { try edge.check() }

  private struct Translator: Module {
    let encoder = TransformerEncoderLayer(4, heads: 2)
    let decoder = TransformerDecoderLayer(4, heads: 2)
  }

  /// Whole layers over a batch of nothing.
  @Test func transformersWithoutSamples() throws {
    for device in TestDevices.all {
      let model = withDevice(device) { Translator() }
      let x = Tensor.zeros([3, 0, 4], on: device)
      let (loss, gradients) = valueAndGradients(of: model) { model.decoder(x, memory: model.encoder(x)).sum() }
      #expect(try loss.scalar(as: Float.self) == 0)
      for (name, parameter) in model.parameters() {
        let gradient = try #require(gradients[parameter])
        try expectClose(gradient, Self.none(parameter.value.count), name)
      }
    }
  }
}
