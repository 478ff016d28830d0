// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

/// That layers hand their settings on to the operations, which have tests of their own.
@Suite struct SequenceLayerTests {
  @Test func recurrentParametersAreNamedByLayerAndDirection() {
    withDevice(.cpu) {
      let network = LSTM(3, 4, layers: 2, bidirectional: true)
      #expect(network.parameterCount == 2 * (16 * 3 + 16 * 4 + 32) + 2 * (16 * 8 + 16 * 4 + 32))
      #expect(network.parameters().map(\.name).contains("layers.1.backward.hiddenWeight"))
      #expect(
        GRU(3, 4, bias: false).parameters().map(\.name) == [
          "layers.0.forward.inputWeight", "layers.0.forward.hiddenWeight",
        ])
      let bound = network.layers[0].forward.inputWeight.value.max()
      #expect(try! bound.scalar(as: Float.self) <= 0.5)
    }
  }

  /// Masks say nothing of the order of the axes.
  @Test func attentionKeepsItsLayoutUnderAMask() throws {
    try withDevice(.cpu) {
      let x = sampleTensor([5, 2, 4])
      let options = AttentionOptions(causal: true)
      func layer(_ batchFirst: Bool) -> MultiHeadAttention {
        MultiHeadAttention(4, heads: 2, batchFirst: batchFirst, generator: RandomGenerator(seed: 3))
      }
      let expected = layer(true)(x.swappedAxes(0, 1), x.swappedAxes(0, 1), options: options).swappedAxes(0, 1)
      try expectClose(layer(false)(x, x, options: options), try expected.scalars(as: Double.self))
    }
  }

  @Test func recurrentLayersRunTheirFunctions() throws {
    try withDevice(.cpu) {
      let x = sampleTensor([2, 5, 3])
      let lengths = Tensor([5, 3])
      let options = RecurrentOptions(batchFirst: true, lengths: lengths)
      let network = LSTM(3, 4, layers: 2, bidirectional: true, batchFirst: true)
      let run = network.run(x, lengths: lengths)
      let same = lstm(x, network.layers.map(\.weights), options: options)
      #expect(try run.outputs.scalars(as: Float.self) == same.outputs.scalars(as: Float.self))
      #expect(run.hidden.shape == [4, 2, 4] && run.cell.shape == [4, 2, 4])
      let plain = RNN(3, 4, activation: .relu, batchFirst: true)
      let states = rnn(x, plain.layers.map(\.weights), activation: .relu, options: RecurrentOptions(batchFirst: true))
      #expect(try plain(x).scalars(as: Float.self) == states.outputs.scalars(as: Float.self))
      // A sequence in two parts, with the state handed on.
      let gated = GRU(3, 4)
      let (first, second) = (gated.run(x[.all, 0..<2].swappedAxes(0, 1)), x[.all, 2..<5].swappedAxes(0, 1))
      let rest = gated.run(second, hidden: first.hidden)
      try expectClose(rest.hidden, try gated.run(x.swappedAxes(0, 1)).hidden.scalars(as: Double.self))
      let cell = LSTMCell(3, 4)
      let next = cell(x[0], hidden: Tensor.zeros([5, 4]), cell: Tensor.zeros([5, 4]))
      #expect(next.hidden.shape == [5, 4] && next.cell.shape == [5, 4])
      #expect(GRUCell(3, 4)(x[0], hidden: next.hidden).shape == [5, 4])
      #expect(RNNCell(3, 4)(x[0], hidden: next.hidden).shape == [5, 4])
    }
  }

  @Test func paddingRowsBeginWithZeros() throws {
    try withDevice(.cpu) {
      let table = Embedding(5, 3, paddingIndex: -1)
      #expect(try table(Tensor([4, 4])).scalars(as: Float.self) == [Float](repeating: 0, count: 6))
      #expect(try table.weight.value[0].scalars(as: Float.self).allSatisfy { $0 != 0 })
      let bag = EmbeddingBag(5, 3, mode: .sum)
      let sum = try bag(Tensor([1, 2, 0]), offsets: Tensor([0, 2])).scalars(as: Float.self)
      try expectClose(bag.weight.value[1] + bag.weight.value[2], sum[..<3].map(Double.init))
    }
  }

  @Test(arguments: [true, false]) func encodersDecodeStepByStep(_ normFirst: Bool) throws {
    try withDevice(.cpu) {
      let options = TransformerOptions(
        feedForward: 7, activation: .gelu, normFirst: normFirst, keyValueHeads: normFirst ? 1 : nil)
      let encoder = TransformerEncoder(6, heads: 2, layers: 2, options: options)
      #expect((encoder.norm != nil) == normFirst)
      let x = sampleTensor([2, 4, 6])
      let whole = encoder(x, mask: nil, causal: true)
      var caches: [KeyValueCache] = []
      let parts = [0..<1, 1..<4].map { encoder(x[.all, $0], caches: &caches) }
      try expectClose(concatenated(parts, along: 1), try whole.scalars(as: Double.self), absolute: 1e-5)
      let decoder = TransformerDecoder(6, heads: 3, layers: 2, options: options)
      let masks = DecoderMasks(memoryKeys: Tensor([true, false, true, true, true, true, true, true], shape: [2, 4]))
      let decoded = decoder(x * 0.5, memory: whole, masks: masks)
      caches = []
      let steps = [0..<3, 3..<4].map { decoder(x[.all, $0] * 0.5, memory: whole, caches: &caches, masks: masks) }
      try expectClose(concatenated(steps, along: 1), try decoded.scalars(as: Double.self), absolute: 1e-5)
    }
  }

  @Test func layoutsAgree() throws {
    try withDevice(.cpu) {
      let x = sampleTensor([3, 4, 6])
      let rows = RandomGenerator(seed: 1), same = RandomGenerator(seed: 1)
      let first = TransformerEncoderLayer(6, heads: 2, generator: rows)
      let last = TransformerEncoderLayer(6, heads: 2, options: TransformerOptions(batchFirst: false), generator: same)
      let turned = last(x.swappedAxes(0, 1), mask: nil, causal: true).swappedAxes(0, 1)
      try expectClose(turned, try first(x, mask: nil, causal: true).scalars(as: Double.self))
      let attended = first.attention.withWeights(x, x)
      try expectClose(attended.outputs, try first.attention(x).scalars(as: Double.self))
      #expect(attended.weights.shape == [3, 4, 4])
    }
  }

  @Test func keysAndValuesMayHaveWidthsOfTheirOwn() {
    withDevice(.cpu) {
      let attention = MultiHeadAttention(6, heads: 3, keyDimension: 5, valueDimension: 2, keyValueHeads: 1)
      #expect(
        attention.parameters().map(\.parameter.shape) == [[6, 6], [2, 5], [2, 2], [10], [6, 6], [6]])
      let y = attention(sampleTensor([2, 4, 6]), sampleTensor([2, 3, 5]), values: sampleTensor([2, 3, 2]))
      #expect(y.shape == [2, 4, 6])
      #expect(MultiHeadAttention(6, heads: 3, keyValueHeads: 1).inputWeight.shape == [10, 6])
    }
  }

  @Test func positionsAreSinesAndCosines() throws {
    try withDevice(.cpu) {
      let table = try sinusoidalPositions(2..<5, width: 5).scalars(as: Double.self)
      for (index, value) in table.enumerated() {
        let (position, column) = (Double(2 + index / 5), index % 5)
        let angle = position / pow(10_000, Double(column - column % 2) / 5)
        #expect(abs(value - (column % 2 == 0 ? sin(angle) : cos(angle))) < 1e-6)
      }
      let layer = SinusoidalPositions(5, length: 8)
      try expectClose(layer(Tensor.zeros([1, 3, 5]), from: 2), table)
      let learned = LearnedPositions(4, 2, batchFirst: false)
      let y = learned(Tensor.zeros([2, 3, 2]), from: 1)
      try expectClose(y[0..<2, 1], try learned.weight.value[1..<3].scalars(as: Double.self))
    }
  }
}
