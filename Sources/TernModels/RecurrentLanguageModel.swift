// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// A language model of LSTM layers: embedding, recurrent layers, and a linear map to the next symbol's logits.
///
/// By default for 96 characters with 128 numbers each and one layer of 256 units: 432,224 parameters.
public struct RecurrentLanguageModel: Layer {
  /// A vector for each symbol.
  public let embedding: Embedding
  /// Runs over the sequence.
  public let recurrent: LSTM
  /// From the units to logits.
  public let output: Linear

  /// A model with new weights.
  ///
  /// - Parameters:
  ///   - symbols: how many there are.
  ///   - width: numbers in the vector of a symbol.
  ///   - units: of each recurrent layer.
  ///   - layers: recurrent ones.
  ///   - dropout: between recurrent layers, in training.
  ///   - generator: what the initial weights are drawn from.
  /// - Precondition: sizes are positive.
  public init(
    symbols: Int = 96, width: Int = 128, units: Int = 256, layers: Int = 1, dropout: Float = 0,
    generator: RandomGenerator = .shared
  ) {
    embedding = Embedding(symbols, width, generator: generator)
    recurrent = LSTM(width, units, layers: layers, batchFirst: true, dropout: dropout, generator: generator)
    output = Linear(units, symbols, generator: generator)
  }

  /// Logits `[N, T, symbols]` of the symbol after each of `[N, T]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { output(recurrent(embedding(x))) }

  /// The same for the next part of a sequence, and the states to go on with.
  ///
  /// - Parameter state: what the part before gave; nil at the beginning.
  public func callAsFunction(
    _ x: Tensor, state: (hidden: Tensor, cell: Tensor)?
  ) -> (logits: Tensor, state: (hidden: Tensor, cell: Tensor)) {
    let run = recurrent.run(embedding(x), hidden: state?.hidden, cell: state?.cell)
    return (output(run.outputs), (run.hidden, run.cell))
  }
}
