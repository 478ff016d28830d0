// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct RecurrentTests {
  enum Kind: CaseIterable { case tanh, relu, lstm, gru }

  /// A float64 layer in one direction: outputs `[T][N][H]`, last states and cells `[N][H]`.
  private static func reference(
    _ kind: Kind, _ x: [Float], features: Int, _ weights: RecurrentWeights, hidden: [Float], cell: [Float],
    lengths: [Int], steps: Int, isReversed: Bool
  ) throws -> (outputs: [Double], hidden: [Double], cell: [Double]) {
    let batch = lengths.count
    let size = weights.hidden.shape[1]
    let (w, u) = (try weights.input.scalars(as: Double.self), try weights.hidden.scalars(as: Double.self))
    let b = try weights.inputBias?.scalars(as: Double.self), d = try weights.hiddenBias?.scalars(as: Double.self)
    var (h, c) = (hidden.map(Double.init), cell.map(Double.init))
    var outputs = [Double](repeating: 0, count: steps * batch * size)
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    for time in isReversed ? (0..<steps).reversed() : Array(0..<steps) {
      for n in 0..<batch where time < lengths[n] {
        let rows = weights.hidden.shape[0]
        let input = (0..<rows).map { row in
          (0..<features).reduce(b?[row] ?? 0) {
            $0 + w[row * features + $1] * Double(x[(time * batch + n) * features + $1])
          }
        }
        let product = (0..<rows).map { row in
          (0..<size).reduce(d?[row] ?? 0) { $0 + u[row * size + $1] * h[n * size + $1] }
        }
        let sum = zip(input, product).map(+)
        for j in 0..<size {
          let at = n * size + j
          switch kind {
          case .tanh: h[at] = tanh(sum[j])
          case .relu: h[at] = max(0, sum[j])
          case .lstm:
            c[at] = sigmoid(sum[size + j]) * c[at] + sigmoid(sum[j]) * tanh(sum[2 * size + j])
            h[at] = sigmoid(sum[3 * size + j]) * tanh(c[at])
          case .gru:
            let z = sigmoid(sum[size + j])
            let fresh = tanh(input[2 * size + j] + sigmoid(sum[j]) * product[2 * size + j])
            h[at] = (1 - z) * fresh + z * h[at]
          }
          outputs[(time * batch + n) * size + j] = h[at]
        }
      }
    }
    return (outputs, h, c)
  }

  private static func gates(_ kind: Kind) -> Int { kind == .lstm ? 4 : kind == .gru ? 3 : 1 }

  private static func weights(
    _ kind: Kind, features: Int, size: Int, bias: Bool = true, phase: Double = 0, on device: Device
  ) -> RecurrentWeights {
    let rows = gates(kind) * size
    return RecurrentWeights(
      input: sampleTensor([rows, features], scale: 0.5, phase: phase, on: device),
      hidden: sampleTensor([rows, size], scale: 0.5, phase: phase + 1, on: device),
      inputBias: bias ? sampleTensor([rows], scale: 0.3, phase: phase + 2, on: device) : nil,
      hiddenBias: bias ? sampleTensor([rows], scale: 0.3, phase: phase + 3, on: device) : nil)
  }

  private static func run(
    _ kind: Kind, _ x: Tensor, _ weights: [[RecurrentWeights]], _ hidden: Tensor?, _ cell: Tensor?,
    _ options: RecurrentOptions
  ) -> [Tensor] {
    switch kind {
    case .tanh, .relu:
      let run = rnn(x, weights, activation: kind == .tanh ? .tanh : .relu, hidden: hidden, options: options)
      return [run.outputs, run.hidden]
    case .gru:
      let run = gru(x, weights, hidden: hidden, options: options)
      return [run.outputs, run.hidden]
    case .lstm:
      let run = lstm(x, weights, hidden: hidden, cell: cell, options: options)
      return [run.outputs, run.hidden, run.cell]
    }
  }

  /// Sizes on both sides of a vector and of a panel of the product; the input is a strided view.
  @Test(arguments: Kind.allCases, Device.all) func sequencesFollowTheFormula(_ kind: Kind, _ device: Device) throws {
    for (size, lengths) in [(3, [4, 2, 0]), (33, [5, 5, 5, 5, 5]), (1, [1])] {
      let (batch, steps, features) = (lengths.count, lengths.max()!, 4)
      let wide = sampleTensor([batch, steps, 2 * features], on: device)
      let x = wide.sliced(along: 2, from: 1, step: 2)
      let isUneven = lengths.contains { $0 != steps }
      let (forward, backward) = (
        Self.weights(kind, features: features, size: size, on: device),
        Self.weights(kind, features: features, size: size, bias: true, phase: 4, on: device)
      )
      let hidden = sampleTensor([2, batch, size], scale: 0.5, phase: 6, on: device)
      let cell = sampleTensor([2, batch, size], scale: 0.5, phase: 7, on: device)
      let options = RecurrentOptions(
        batchFirst: true, lengths: isUneven ? Tensor(lengths.map { Int32($0) }, on: device) : nil)
      let got = Self.run(kind, x, [[forward, backward]], hidden, cell, options)
      #expect(got[0].shape == [batch, steps, 2 * size])
      let scalars = try x.swappedAxes(0, 1).scalars(as: Float.self)
      for (direction, weights) in [forward, backward].enumerated() {
        let expected = try Self.reference(
          kind, scalars, features: features, weights, hidden: try hidden[direction].scalars(as: Float.self),
          cell: try cell[direction].scalars(as: Float.self), lengths: lengths, steps: steps, isReversed: direction == 1)
        let outputs = got[0].swappedAxes(0, 1).sliced(along: 2, from: direction * size, to: (direction + 1) * size)
        try expectClose(outputs, expected.outputs, absolute: 1e-5, "\(kind) outputs \(size)")
        try expectClose(got[1][direction], expected.hidden, absolute: 1e-5, "\(kind) states \(size)")
        if kind == .lstm { try expectClose(got[2][direction], expected.cell, absolute: 1e-5, "cells \(size)") }
      }
    }
  }

  @Test(arguments: Kind.allCases) func sequencesHaveGradients(_ kind: Kind) throws {
    let (features, size) = (2, 2)
    for (lengths, bias) in [(nil, true), (Tensor([3, 1], on: .cpu), false)] as [(Tensor?, Bool)] {
      let all = (0..<2).map {
        Self.weights(kind, features: features, size: size, bias: bias, phase: Double($0), on: .cpu)
      }
      let states = sampleTensor([2, 2, size], scale: 0.5, phase: 6)
      let inputs = [sampleTensor([3, 2, features]), states, states * 0.5] + all.flatMap(\.tensors)
      let count = all[0].tensors.count
      func results(_ inputs: [Tensor]) -> [Tensor] {
        let weights = (0..<2).map { direction in
          let own = Array(inputs[(3 + direction * count)...].prefix(count))
          return RecurrentWeights(
            input: own[0], hidden: own[1], inputBias: bias ? own[2] : nil, hiddenBias: bias ? own[3] : nil)
        }
        return Self.run(kind, inputs[0], [weights], inputs[1], inputs[2], RecurrentOptions(lengths: lengths))
      }
      func joined(_ inputs: [Tensor]) -> Tensor { concatenated(results(inputs).map { $0.flattened() }) }
      let used = kind == .lstm ? inputs : [inputs[0], inputs[1]] + inputs[3...]
      func complete(_ used: [Tensor]) -> [Tensor] { kind == .lstm ? used : [used[0], used[1], inputs[2]] + used[2...] }
      // The rectifier has a kink, but these sums stay away from it.
      try expectGradients(used, "\(kind)") { joined(complete($0)) }
      if kind == .relu || !bias { continue }
      func twice(_ inputs: [Tensor]) -> Tensor {
        let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) { square(joined($0)).sum() }
        return gradients.reduce(Tensor(0, on: .cpu)) { $0 + square($1).sum() * 0.1 }
      }
      try expectGradients(Array(inputs[..<2]), tolerance: 1e-2, "\(kind) twice") { twice($0 + inputs[2...]) }
    }
  }

  @Test func cellsAgreeWithSequencesOfOneStep() throws {
    let (x, hidden, cell) = (sampleTensor([3, 4]), sampleTensor([3, 5], phase: 1), sampleTensor([3, 5], phase: 2))
    for kind in Kind.allCases {
      let weights = Self.weights(kind, features: 4, size: 5, on: .cpu)
      let run = Self.run(
        kind, x.expanded(at: 0), [[weights]], hidden.expanded(at: 0), cell.expanded(at: 0), RecurrentOptions())
      let one: Tensor
      switch kind {
      case .tanh: one = rnnCell(x, hidden: hidden, weights)
      case .relu: one = rnnCell(x, hidden: hidden, weights, activation: .relu)
      case .gru: one = gruCell(x, hidden: hidden, weights)
      case .lstm:
        let next = lstmCell(x, hidden: hidden, cell: cell, weights)
        try expectClose(next.cell, try run[2].scalars(as: Double.self))
        one = next.hidden
      }
      try expectClose(one, try run[1].scalars(as: Double.self), "\(kind)")
    }
  }

  @Test(arguments: [DType.float16, .bfloat16]) func halfTypesAreStorage(_ dtype: DType) throws {
    let wide = Self.weights(.lstm, features: 3, size: 4, on: .cpu)
    let narrow = RecurrentWeights(
      input: wide.input.cast(to: dtype), hidden: wide.hidden.cast(to: dtype),
      inputBias: wide.inputBias!.cast(to: dtype),
      hiddenBias: wide.hiddenBias!.cast(to: dtype))
    let x = sampleTensor([5, 2, 3])
    let (got, gradient) = valueAndGradient(at: x.cast(to: dtype)) {
      lstm($0, [[narrow]]).outputs.cast(to: .float32).sum()
    }
    #expect(gradient.dtype == dtype && lstm(x.cast(to: dtype), [[narrow]]).cell.dtype == dtype)
    try expectClose(got, [try lstm(x, [[wide]]).outputs.sum().scalar(as: Double.self)], absolute: 0.1)
  }

  @Test func dropoutIsBetweenLayersOnly() throws {
    let below = Self.weights(.gru, features: 3, size: 3, on: .cpu)
    let x = sampleTensor([2, 2, 3])
    let options = RecurrentOptions(dropout: 0.5, generator: RandomGenerator(seed: 1))
    let plain = try gru(x, [[below], [below]]).outputs.scalars(as: Float.self)
    #expect(try gru(x, [[below], [below]], options: options).outputs.scalars(as: Float.self) == plain)
    try withMode(.training) {
      #expect(try gru(x, [[below], [below]], options: options).outputs.scalars(as: Float.self) != plain)
      let single = try gru(x, [[below]], options: options).outputs.scalars(as: Float.self)
      #expect(try gru(x, [[below]]).outputs.scalars(as: Float.self) == single)
    }
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) {
      let weights = RecurrentWeights(input: Tensor.zeros([8, 3], on: .cpu), hidden: Tensor.zeros([8, 2], on: .cpu))
      _ = lstm(Tensor.zeros([4, 2, 5], on: .cpu), [[weights]])
    }
    await #expect(processExitsWith: .failure) {
      let weights = RecurrentWeights(input: Tensor.zeros([2, 3], on: .cpu), hidden: Tensor.zeros([2, 2], on: .cpu))
      _ = rnn(Tensor.zeros([4, 2, 3], on: .cpu), [[weights]], hidden: Tensor.zeros([1, 3, 2], on: .cpu))
    }
    await #expect(processExitsWith: .failure) {
      let layers = [(3, 4), (4, 2)].map { features, units in
        [
          RecurrentWeights(
            input: Tensor.zeros([units, features], on: .cpu), hidden: Tensor.zeros([units, units], on: .cpu))
        ]
      }
      _ = rnn(Tensor.zeros([4, 2, 3], on: .cpu), layers)
    }
  }
}
