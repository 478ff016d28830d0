// SPDX-License-Identifier: MIT
import TernRuntime

/// The gates of one step, of differentiable operations: what cells use, and second derivatives of whole sequences.
struct RecurrentStep {
  let cell: Recurrence.Cell

  init(_ cell: Recurrence.Cell) { self.cell = cell }

  /// - Parameters:
  ///   - input: the product with the input and its bias, `[N, gates * H]`.
  ///   - product: the product with the state and its bias.
  func callAsFunction(
    input: Tensor, product: Tensor, state: Tensor, cell before: Tensor?
  ) -> (state: Tensor, cell: Tensor?) {
    let size = state.shape[1]
    func gate(_ x: Tensor, _ index: Int) -> Tensor { x.sliced(along: 1, from: index * size, to: (index + 1) * size) }
    switch cell {
    case .tanh: return (tanh(input + product), nil)
    case .relu: return (relu(input + product), nil)
    case .lstm:
      let sum = input + product
      let kept = sigmoid(gate(sum, 1)) * before! + sigmoid(gate(sum, 0)) * tanh(gate(sum, 2))
      return (sigmoid(gate(sum, 3)) * tanh(kept), kept)
    case .gru:
      let update = sigmoid(gate(input, 1) + gate(product, 1))
      let fresh = tanh(gate(input, 2) + sigmoid(gate(input, 0) + gate(product, 0)) * gate(product, 2))
      return (fresh + update * (state - fresh), nil)
    }
  }
}
