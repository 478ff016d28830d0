// SPDX-License-Identifier: MIT
import TernRuntime

/// The weights of one recurrent layer in one direction.
///
/// With `H` hidden units and `G` gates (1 for a plain layer, 3 for a GRU, 4 for an LSTM) the rows of all matrices are
/// `G` blocks of `H`: `r, z, n` of a GRU and `i, f, g, o` of an LSTM.
public struct RecurrentWeights: Sendable {
  /// `[G * H, features]`, multiplies the input.
  public let input: Tensor
  /// `[G * H, H]`, multiplies the state.
  public let hidden: Tensor
  /// `[G * H]`, added to the product with the input.
  public let inputBias: Tensor?
  /// `[G * H]`, added to the product with the state. Only for the third gate of a GRU does it matter which of the two
  /// biases holds a number.
  public let hiddenBias: Tensor?

  /// Weights with both biases or without any.
  public init(input: Tensor, hidden: Tensor, inputBias: Tensor? = nil, hiddenBias: Tensor? = nil) {
    self.input = input
    self.hidden = hidden
    self.inputBias = inputBias
    self.hiddenBias = hiddenBias
  }

  /// All in one array: the biases, which may be absent, last.
  var tensors: [Tensor] { [input, hidden] + [inputBias, hiddenBias].compactMap { $0 } }

  func check(_ operation: String, _ cell: Recurrence.Cell, features: Int) {
    let size = hidden.rank == 2 ? hidden.shape[1] : -1
    require(
      hidden.shape == [cell.gates * size, size],
      "\(operation): the hidden weight must be [\(cell.gates) * units, units], got \(hidden.shape)")
    require(
      input.shape == [cell.gates * size, features],
      "\(operation): the input weight must be [\(cell.gates * size), \(features)] for \(features) features and "
        + "\(size) units, got \(input.shape)")
    require(
      (inputBias == nil) == (hiddenBias == nil), "\(operation): needs both biases or none, got only one of them")
    for bias in [inputBias, hiddenBias].compactMap({ $0 }) {
      require(
        bias.shape == [cell.gates * size],
        "\(operation): a bias must be [\(cell.gates * size)] for \(size) units, got \(bias.shape)")
    }
  }
}
