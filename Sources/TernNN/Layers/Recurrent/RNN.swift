// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Plain recurrent networks; see `rnn`.
///
///     let layer = RNN(128, 256, layers: 2, batchFirst: true)
///     let outputs = layer(x)                       // [N, T, 256] of [N, T, 128]
///
/// `run(_:hidden:lengths:)` takes states to begin with and gives the last ones back.
public struct RNN: Layer {
  /// The layers in order, the first to read the input first.
  public let layers: [RecurrentDirections]
  /// Hidden units of each layer and direction.
  public let units: Int
  /// Whether inputs and outputs are `[N, T, ...]` instead of `[T, N, ...]`.
  public let batchFirst: Bool
  /// The chance of a number to become 0 between two layers, in training mode.
  public let dropout: Float
  /// Where dropout's masks come from.
  public let generator: RandomGenerator
  /// What is applied to the sums.
  public let activation: RecurrentActivation

  /// A network with new weights, uniform in `±1 / sqrt(units)`.
  ///
  /// - Parameters:
  ///   - features: numbers of the input at each step.
  ///   - units: of each layer and direction.
  ///   - layers: how many; each but the first reads the one below.
  ///   - bidirectional: whether each layer also runs from the last step to the first, with weights of its own; outputs
  ///     then have twice as many numbers, the forward ones first.
  ///   - bias: whether there are biases.
  ///   - activation: what is applied to the sums.
  ///   - batchFirst: whether tensors are `[N, T, ...]` instead of `[T, N, ...]`.
  ///   - dropout: between layers, in training mode.
  ///   - initializer: of the matrices instead of the uniform one.
  ///   - generator: what weights and masks are drawn from.
  /// - Precondition: sizes are positive, and `dropout` is in `0 ..< 1`.
  public init(
    _ features: Int, _ units: Int, layers: Int = 1, bidirectional: Bool = false, bias: Bool = true,
    activation: RecurrentActivation = .tanh,
    batchFirst: Bool = false, dropout: Float = 0, initializer: Initializer? = nil,
    generator: RandomGenerator = .shared
  ) {
    self.layers = makeRecurrentLayers(
      "RNN", gates: 1, features: features, units: units, layers: layers, bidirectional: bidirectional,
      bias: bias, dropout: dropout, initializer: initializer, generator: generator)
    self.units = units
    self.batchFirst = batchFirst
    self.dropout = dropout
    self.generator = generator
    self.activation = activation
  }

  /// The states of the last layer at every step, beginning with zeros.
  public func callAsFunction(_ x: Tensor) -> Tensor { run(x).outputs }

  /// The states of the last layer at every step, and what the layers end with.
  ///
  /// - Parameters:
  ///   - x: `[T, N, features]`, or `[N, T, features]`.
  ///   - hidden: states to begin with, `[layers * directions, N, units]`; zeros when nil.
  ///   - lengths: steps of each sequence, `int32` or `int64` `[N]`; later outputs are 0, and the last state is that of
  ///     a sequence's own last step.
  public func run(
    _ x: Tensor, hidden: Tensor? = nil, lengths: Tensor? = nil
  ) -> (outputs: Tensor, hidden: Tensor) {
    let options = RecurrentOptions(batchFirst: batchFirst, lengths: lengths, dropout: dropout, generator: generator)
    return rnn(x, layers.map(\.weights), activation: activation, hidden: hidden, options: options)
  }
}

/// One step of a plain recurrent network; see `rnnCell`.
public struct RNNCell: Module {
  /// What it multiplies and adds.
  public let parameters: RecurrentParameters
  /// What is applied to the sum.
  public let activation: RecurrentActivation

  /// A cell with new weights, uniform in `±1 / sqrt(units)`.
  ///
  /// - Precondition: sizes are positive.
  public init(
    _ features: Int, _ units: Int, bias: Bool = true, activation: RecurrentActivation = .tanh,
    initializer: Initializer? = nil,
    generator: RandomGenerator = .shared
  ) {
    parameters = RecurrentParameters(
      "RNNCell", gates: 1, features: features, units: units, bias: bias, initializer: initializer,
      generator: generator)
    self.activation = activation
  }

  /// The state after a step with `x` `[N, features]`; states are `[N, units]`.
  public func callAsFunction(_ x: Tensor, hidden: Tensor) -> Tensor {
    rnnCell(x, hidden: hidden, parameters.weights, activation: activation)
  }
}
