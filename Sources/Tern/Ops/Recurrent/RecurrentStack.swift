// SPDX-License-Identifier: MIT
import TernRuntime

/// Several recurrent layers, each in one direction or in both.
struct RecurrentStack {
  let outputs: Tensor
  let hidden: Tensor
  let cell: Tensor?

  init(
    _ operation: String, _ kind: Recurrence.Cell, _ x: Tensor, _ weights: [[RecurrentWeights]], _ hidden: Tensor?,
    _ cell: Tensor?, _ options: RecurrentOptions
  ) {
    let directions = weights.first?.count ?? 0
    require(
      (1...2).contains(directions) && weights.allSatisfy { $0.count == directions },
      "\(operation): needs layers of one direction each, or of two, got \(weights.map(\.count))")
    require(
      x.rank == 3 && x.dtype.isFloatingPoint,
      "\(operation): input must be floating point, [T, N, features] or [N, T, features], got \(x.dtype) \(x.shape)")
    let size = weights[0][0].hidden.shape.last ?? 0
    require(
      weights.joined().allSatisfy { $0.hidden.shape.last == size },
      "\(operation): all layers and directions must have as many units, got hidden weights "
        + "\(weights.map { $0.map(\.hidden.shape) })")
    var sequence = options.batchFirst ? x.swappedAxes(0, 1) : x
    require(sequence.shape[0] > 0, "\(operation): needs at least one step, got input \(x.shape)")
    let batch = sequence.shape[1]
    let stateShape = [weights.count * directions, batch, size]
    func states(_ given: Tensor?, _ name: String) -> Tensor {
      require(
        given == nil || given!.shape == stateShape,
        "\(operation): the first \(name) must be [layers * directions, N, units], \(stateShape), got "
          + "\(given?.shape ?? [])")
      return given ?? Tensor.zeros(stateShape, dtype: x.dtype, on: x.device)
    }
    let firstHidden = states(hidden, "states")
    let firstCell = kind == .lstm ? states(cell, "cells") : nil
    if let lengths = options.lengths {
      require(
        lengths.shape == [batch] && (lengths.dtype == .int32 || lengths.dtype == .int64),
        "\(operation): lengths must be int32 or int64 [\(batch)] for input \(x.shape), "
          + "got \(lengths.dtype) \(lengths.shape)")
    }
    var (lastHidden, lastCell): ([Tensor], [Tensor]) = ([], [])
    for (layer, pair) in weights.enumerated() {
      if layer > 0 { sequence = dropout(sequence, probability: options.dropout, generator: options.generator) }
      let results = pair.enumerated().map { direction, weights in
        weights.check(operation, kind, features: sequence.shape[2])
        let index = layer * directions + direction
        return RecurrentSequence.run(
          operation, kind, sequence, weights, hidden: firstHidden[index], cell: firstCell.map { $0[index] },
          lengths: options.lengths, isReversed: direction == 1)
      }
      sequence = concatenated(results.map(\.outputs), along: 2)
      lastHidden += results.map(\.hidden)
      lastCell += results.compactMap(\.cell)
    }
    outputs = options.batchFirst ? sequence.swappedAxes(0, 1) : sequence
    self.hidden = stacked(lastHidden, along: 0)
    self.cell = kind == .lstm ? stacked(lastCell, along: 0) : nil
  }
}
