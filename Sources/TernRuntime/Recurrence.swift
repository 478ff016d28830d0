// SPDX-License-Identifier: MIT

/// Recurrent layers: a family of operations beside `Backend`, under the same rules.
///
/// Everything is dense Float32 but for the weights, which may have any strides. Positions in time are called steps;
/// with `T` of them, `N` sequences in a batch and `H` hidden units, states are kept in `T + 1` slots of `[N, H]`: a
/// step reads the slot of the state before it and writes its own.
package protocol RecurrentBackend: AnyObject, Sendable {
  /// Runs all steps of one layer in one direction.
  ///
  /// - Parameters:
  ///   - weight: `[gates * H, H]`.
  ///   - hiddenBias: `[gates * H]`, added to the product with the state; for cells whose reset gate comes between.
  ///   - memory: what the steps read and write.
  func recurrence(_ plan: Recurrence, weight: StridedView, hiddenBias: StridedView?, _ memory: Recurrence.Memory)
  /// The gradient of all steps, the last one first.
  func recurrenceGradient(
    _ plan: Recurrence, weight: StridedView, _ memory: Recurrence.Memory, dStates: StridedView,
    into gradients: Recurrence.Gradients)
}

/// Sizes and settings of a recurrent layer in one direction.
package struct Recurrence: Sendable, Hashable {
  /// What happens to the sum `a` of the products with input and state in a step.
  package enum Cell: Int, Sendable {
    /// `h = tanh(a)`
    case tanh
    /// `h = max(a, 0)`
    case relu
    /// Gates `i, f, g, o`: `c = σ(f) * c + σ(i) * tanh(g)`, `h = σ(o) * tanh(c)`.
    case lstm
    /// Gates `r, z, n`: `h = (1 - σ(z)) * n + σ(z) * h` with `n = tanh(n from x + σ(r) * (n from h))`.
    case gru

    /// Blocks of `H` numbers in the products.
    package var gates: Int {
      switch self {
      case .tanh, .relu: 1
      case .lstm: 4
      case .gru: 3
      }
    }
  }

  package let cell: Cell
  package let steps, batch, size: Int
  /// Whether the last step in time comes first.
  package let isReversed: Bool

  package init(_ cell: Cell, steps: Int, batch: Int, size: Int, isReversed: Bool) {
    (self.cell, self.steps, self.batch, self.size, self.isReversed) = (cell, steps, batch, size, isReversed)
  }

  /// Numbers in the products of a sequence and step.
  package var width: Int { cell.gates * size }
  /// Steps in the order in which they run.
  package var order: [Int] { isReversed ? (0..<steps).reversed() : Array(0..<steps) }
  /// The slot that a step writes.
  package func slot(of step: Int) -> Int { isReversed ? step : step + 1 }
  /// The slot that a step reads.
  package func slot(before step: Int) -> Int { isReversed ? step + 1 : step }
  package var firstSlot: Int { isReversed ? steps : 0 }
  package var lastSlot: Int { isReversed ? 0 : steps }
}

extension Recurrence {
  package struct Memory: Sendable {
    /// `[T, N, gates * H]`: at first the products with the input and all biases of it; then the gates. Cells without
    /// gates leave it in an undefined state, and need none for the gradient.
    package let gates: StridedView?
    /// `[slots, N, H]`, with at least `T + 1` slots, the first of them given.
    package let states: StridedView
    /// The same for the cells of an LSTM.
    package let cells: StridedView?
    /// `[T, N, H]`: what the reset gate of a GRU multiplies.
    package let candidates: StridedView?
    /// `int32` `[N]`: how many steps each sequence takes part in; later ones keep its state.
    package let lengths: StridedView?

    package init(
      gates: StridedView?, states: StridedView, cells: StridedView?, candidates: StridedView?, lengths: StridedView?
    ) {
      self.gates = gates
      self.states = states
      self.cells = cells
      self.candidates = candidates
      self.lengths = lengths
    }
  }

  package struct Gradients: Sendable {
    /// `[T, N, gates * H]`, with respect to the products with the input; may be the memory of the gates.
    package let dGates: StridedView
    /// The same for the products with the state where that is something else: GRU.
    package let dHidden: StridedView?
    /// `[N, H]`, of the state before the first step.
    package let dState: StridedView
    /// `[N, H]`: at first the gradient of the last cells, then that of the first.
    package let dCell: StridedView?

    package init(dGates: StridedView, dHidden: StridedView?, dState: StridedView, dCell: StridedView?) {
      self.dGates = dGates
      self.dHidden = dHidden
      self.dState = dState
      self.dCell = dCell
    }
  }
}
