// SPDX-License-Identifier: MIT
import TernRuntime

/// How an input is laid out and read by recurrent layers.
public struct RecurrentOptions: Sendable {
  /// Whether inputs and outputs are `[N, T, ...]` instead of `[T, N, ...]`.
  public var batchFirst: Bool
  /// Steps of each sequence, `int32` or `int64` `[N]`; nil when all take part in every step. Later outputs are 0, and
  /// the last state of a sequence is that of its own last step, in either direction.
  public var lengths: Tensor?
  /// The chance of a number to become 0 between two layers, in training mode.
  public var dropout: Float
  /// Where dropout's masks come from.
  public var generator: RandomGenerator

  /// Options, all with the usual defaults.
  public init(
    batchFirst: Bool = false, lengths: Tensor? = nil, dropout: Float = 0, generator: RandomGenerator = .shared
  ) {
    self.batchFirst = batchFirst
    self.lengths = lengths
    self.dropout = dropout
    self.generator = generator
  }
}

/// A long short-term memory (Hochreiter, Schmidhuber: "Long short-term memory", 1997; with forget gates by Gers,
/// Schmidhuber, Cummins, 2000) over a sequence.
///
///     i, f, o = σ(W x + b + U h + d)    g = tanh(W x + b + U h + d)    (a block of rows each, in the order i, f, g, o)
///     c = f * c + i * g                 h = o * tanh(c)
///
/// - Parameters:
///   - x: `[T, N, features]`, or `[N, T, features]`; floating point.
///   - weights: layers, the first to read `x` first, each with one direction or two (forward, backward). From the
///     second layer on, features are the units of all directions of the layer below.
///   - hidden: the states to begin with, `[layers * directions, N, H]`, a layer's directions next to each other;
///     zeros when nil.
///   - cell: the cells likewise.
///   - options: layout, lengths and dropout between layers.
/// - Returns: the states of the last layer, `[T, N, directions * H]` (or batch first), and the last states and cells,
///   laid out as those to begin with. Computed in Float32. Differentiable twice.
public func lstm(
  _ x: Tensor, _ weights: [[RecurrentWeights]], hidden: Tensor? = nil, cell: Tensor? = nil,
  options: RecurrentOptions = RecurrentOptions()
) -> (outputs: Tensor, hidden: Tensor, cell: Tensor) {
  let run = RecurrentStack("lstm", .lstm, x, weights, hidden, cell, options)
  return (run.outputs, run.hidden, run.cell!)
}

/// A network of gated recurrent units (Cho et al.: "Learning phrase representations using RNN encoder-decoder for
/// statistical machine translation", 2014) over a sequence.
///
///     r, z = σ(W x + b + U h + d)    n = tanh(W x + b + r * (U h + d))    (a block of rows each, in the order r, z, n)
///     h = (1 - z) * n + z * h
///
/// Parameters are those of `lstm`, without cells; the result is states and last states. Computed in Float32.
/// Differentiable twice.
public func gru(
  _ x: Tensor, _ weights: [[RecurrentWeights]], hidden: Tensor? = nil, options: RecurrentOptions = RecurrentOptions()
) -> (outputs: Tensor, hidden: Tensor) {
  let run = RecurrentStack("gru", .gru, x, weights, hidden, nil, options)
  return (run.outputs, run.hidden)
}

/// What a plain recurrent layer applies to its sum.
public enum RecurrentActivation: String, Sendable, CaseIterable {
  /// `tanh(a)`.
  case tanh
  /// `max(a, 0)`.
  case relu

  var cell: Recurrence.Cell { self == .tanh ? .tanh : .relu }
}

/// A plain recurrent network (Elman: "Finding structure in time", 1990) over a sequence: `h = act(W x + b + U h + d)`.
///
/// Parameters are those of `lstm`, without cells; the result is states and last states. Computed in Float32.
/// Differentiable twice.
public func rnn(
  _ x: Tensor, _ weights: [[RecurrentWeights]], activation: RecurrentActivation = .tanh, hidden: Tensor? = nil,
  options: RecurrentOptions = RecurrentOptions()
) -> (outputs: Tensor, hidden: Tensor) {
  let run = RecurrentStack("rnn", activation.cell, x, weights, hidden, nil, options)
  return (run.outputs, run.hidden)
}

/// One step of `lstm`.
///
/// - Parameters:
///   - x: `[N, features]`.
///   - hidden: `[N, H]`.
///   - cell: `[N, H]`.
/// - Returns: the new state and cell.
public func lstmCell(
  _ x: Tensor, hidden: Tensor, cell: Tensor, _ weights: RecurrentWeights
) -> (hidden: Tensor, cell: Tensor) {
  let next = oneStep("lstmCell", .lstm, x, hidden, cell, weights)
  return (next.state, next.cell!)
}

/// One step of `gru`: the new state `[N, H]` from `x` `[N, features]` and the state.
public func gruCell(_ x: Tensor, hidden: Tensor, _ weights: RecurrentWeights) -> Tensor {
  oneStep("gruCell", .gru, x, hidden, nil, weights).state
}

/// One step of `rnn`: the new state `[N, H]` from `x` `[N, features]` and the state.
public func rnnCell(
  _ x: Tensor, hidden: Tensor, _ weights: RecurrentWeights, activation: RecurrentActivation = .tanh
) -> Tensor {
  oneStep("rnnCell", activation.cell, x, hidden, nil, weights).state
}

/// The two products, and the gates as fused pointwise work.
private func oneStep(
  _ operation: String, _ cell: Recurrence.Cell, _ x: Tensor, _ hidden: Tensor, _ before: Tensor?,
  _ weights: RecurrentWeights
) -> (state: Tensor, cell: Tensor?) {
  require(x.rank == 2, "\(operation): input must be [N, features], got \(x.shape)")
  weights.check(operation, cell, features: x.shape[1])
  let size = weights.hidden.shape[1]
  for state in [hidden, before].compactMap({ $0 }) {
    require(
      state.shape == [x.shape[0], size],
      "\(operation): states must be [\(x.shape[0]), \(size)] for input \(x.shape) and \(size) units, got \(state.shape)"
    )
  }
  return RecurrentStep(cell)(
    input: linear(x, weights.input, weights.inputBias), product: linear(hidden, weights.hidden, weights.hiddenBias),
    state: hidden, cell: before)
}
