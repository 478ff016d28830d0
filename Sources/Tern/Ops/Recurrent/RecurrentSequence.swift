// SPDX-License-Identifier: MIT
import TernRuntime

/// One recurrent layer in one direction over all steps: a single recorded operation. The products of all steps with the
/// input are one product, and so are the gradients of the weights; per step remain the product with the state and the
/// gates, in one pass.
struct RecurrentSequence: Sendable {
  let operation: String
  let plan: Recurrence
  let hasBias: Bool

  /// Where the results of a layer stand.
  struct Results {
    /// `[T, N, H]`.
    let outputs: Tensor
    /// `[N, H]` each.
    let hidden: Tensor
    let cell: Tensor?
  }

  /// - Parameters:
  ///   - x: `[T, N, features]`.
  ///   - hidden: `[N, H]`.
  ///   - cell: `[N, H]`, for an LSTM.
  ///   - lengths: `[N]`, any integers.
  static func run(
    _ operation: String, _ cell: Recurrence.Cell, _ x: Tensor, _ weights: RecurrentWeights, hidden: Tensor,
    cell start: Tensor?, lengths: Tensor?, isReversed: Bool
  ) -> Results {
    let (steps, batch, size) = (x.shape[0], x.shape[1], hidden.shape[1])
    let plan = Recurrence(cell, steps: steps, batch: batch, size: size, isReversed: isReversed)
    let sequence = RecurrentSequence(operation: operation, plan: plan, hasBias: weights.inputBias != nil)
    // Half types are storage: everything between is Float32. The input's rows are read again for the gradient.
    let others = weights.tensors + [hidden] + (start.map { [$0] } ?? [])
    let inputs = [x.cast(to: .float32).contiguous()] + others.map { $0.cast(to: .float32) }
    let slots = sequence.compute(inputs, lengths: lengths?.cast(to: .int32).contiguous())
    var outputs = slots.sliced(along: 0, from: isReversed ? 0 : 1, to: isReversed ? steps : steps + 1)
    if let lengths {
      let time = Tensor.range(0..<steps, on: x.device).reshaped(to: [steps, 1, 1])
      outputs = `where`(time .< lengths.cast(to: .int64).reshaped(to: [1, batch, 1]), outputs, 0)
    }
    return Results(
      outputs: outputs.cast(to: x.dtype), hidden: slots[plan.lastSlot].cast(to: x.dtype),
      cell: start.map { slots[steps + 1].cast(to: $0.dtype) })
  }

  /// Slots of the result: all states, and the last cells of an LSTM.
  private var slots: Int { plan.steps + (plan.cell == .lstm ? 2 : 1) }
  /// Position of the first state among the inputs: behind `x` and the weights.
  private var firstState: Int { hasBias ? 5 : 3 }

  private func compute(_ inputs: [Tensor], lengths: Tensor?) -> Tensor {
    let (x, device) = (inputs[0], Tensor.commonDevice(operation, inputs + (lengths.map { [$0] } ?? [])))
    let (backend, rows) = (device.backend, plan.steps * plan.batch)
    func empty(_ shape: [Int]) -> Tensor { .empty(shape, dtype: .float32, on: device) }
    let gates = empty([plan.steps, plan.batch, plan.width])
    let states = empty([slots, plan.batch, plan.size])
    let cells = plan.cell == .lstm ? empty([plan.steps + 1, plan.batch, plan.size]) : nil
    let candidates = plan.cell == .gru ? empty([plan.steps, plan.batch, plan.size]) : nil
    // The biases of input and state come to the same but in a GRU, whose reset gate stands between.
    let bias = hasBias ? (plan.cell == .gru ? inputs[3] : inputs[3] + inputs[4]).detached() : nil
    let flat = x.detached().reshaped(to: [rows, x.shape[2]]).view
    let weight = inputs[1].view
    backend.matmul(
      flat.viewed(shape: [1] + flat.shape, strides: [0] + flat.strides),
      weight.viewed(shape: [1, weight.shape[1], weight.shape[0]], strides: [0, weight.strides[1], weight.strides[0]]),
      bias: bias?.view,
      into: gates.view.viewed(shape: [1, rows, plan.width], strides: [0, plan.width, 1]))
    copy(inputs[firstState], to: states, slot: plan.firstSlot)
    if let cells { copy(inputs[firstState + 1], to: cells, slot: plan.firstSlot) }
    let memory = Recurrence.Memory(
      gates: gates.view, states: states.view, cells: cells?.view, candidates: candidates?.view, lengths: lengths?.view)
    backend.recurrence(
      plan, weight: inputs[2].view,
      hiddenBias: hasBias && plan.cell == .gru ? inputs[4].detached().contiguous().view : nil,
      memory)
    if let cells { copy(cells[plan.lastSlot], to: states, slot: plan.steps + 1) }
    let hasGates = plan.cell == .lstm || plan.cell == .gru
    let kept = inputs + [hasGates ? gates : nil, cells ?? candidates, lengths].compactMap { $0 }
    let hasLengths = lengths != nil
    return states.recorded(operation, from: inputs, saving: .tensorsAndOutput(kept)) { gradient, saved in
      pulledBack(gradient, saved, hasLengths: hasLengths)
    }
  }

  private func copy(_ source: Tensor, to target: Tensor, slot: Int) {
    let whole = target.view
    let part = whole.viewed(shape: source.shape, strides: [plan.size, 1], offset: slot * plan.batch * plan.size)
    target.device.backend.pointwise(
      .copy(from: .float32, to: .float32), [PointwiseOperands(inputs: [source.view], outputs: [part])])
  }

  private func pulledBack(_ gradient: Tensor, _ saved: Saved, hasLengths: Bool) -> [Tensor?] {
    let count = firstState + (plan.cell == .lstm ? 2 : 1)
    if saved.createsGraph {
      let lengths = hasLengths ? saved.tensors.last!.detached() : nil
      return saved.composedGradients(gradient, count: count) { composed($0, lengths: lengths) }
    }
    let extra = Array(saved.tensors[count...])
    let (states, device) = (saved.output, gradient.device)
    func empty(_ shape: [Int]) -> Tensor { .empty(shape, dtype: .float32, on: device) }
    let gates = plan.cell == .lstm || plan.cell == .gru ? extra[0] : nil
    // A step's gates are read once, where their gradients may stand then: no memory of their own to bring near.
    let dGates = (saved.isLast ? gates : nil) ?? empty([plan.steps, plan.batch, plan.width])
    let dHidden = plan.cell == .gru ? empty(dGates.shape) : nil
    let dState = empty([plan.batch, plan.size])
    let dCell = plan.cell == .lstm ? empty([plan.batch, plan.size]) : nil
    let dStates = gradient.contiguous()
    if let dCell { copy(dStates[plan.steps + 1], to: dCell, slot: 0) }
    let memory = Recurrence.Memory(
      gates: gates?.view, states: states.view, cells: plan.cell == .lstm ? extra[1].view : nil,
      candidates: plan.cell == .gru ? extra[1].view : nil,
      lengths: hasLengths ? extra.last!.view : nil)
    device.backend.recurrenceGradient(
      plan, weight: saved[2].view, memory, dStates: dStates.view,
      into: Recurrence.Gradients(
        dGates: dGates.view, dHidden: dHidden?.view, dState: dState.view, dCell: dCell?.view))
    let rows = plan.steps * plan.batch
    let atInput = dGates.reshaped(to: [rows, plan.width])
    let atState = dHidden.map { $0.reshaped(to: [rows, plan.width]) } ?? atInput
    let x = saved[0].reshaped(to: [rows, saved[0].shape[2]])
    let first = plan.isReversed ? 1 : 0
    let before = states.sliced(along: 0, from: first, to: first + plan.steps).reshaped(to: [rows, plan.size])
    var gradients: [Tensor?] = [
      saved.needs(0) ? matmul(atInput, saved[1]).reshaped(to: saved[0].shape) : nil, nil, nil,
    ]
    if dHidden == nil && saved.needs(1) && saved.needs(2) {
      let products = [x, before].map { empty([plan.width, $0.shape[1]]) }
      device.backend.matmul(
        atInput.transposed().view.asBatch, [x.view.asBatch, before.view.asBatch], into: products.map(\.view.asBatch))
      gradients[1...] = [products[0], products[1]]
    } else {
      if saved.needs(1) { gradients[1] = matmul(atInput.transposed(), x) }
      if saved.needs(2) { gradients[2] = matmul(atState.transposed(), before) }
    }
    if hasBias {
      let bias = saved.needs(3) || saved.needs(4) ? atInput.sum(along: 0) : nil
      gradients += [bias, dHidden == nil || !saved.needs(4) ? bias : atState.sum(along: 0)]
    }
    return gradients + [dState] + (dCell.map { [$0] } ?? [])
  }

  /// The same slots of differentiable operations, step by step.
  private func composed(_ inputs: [Tensor], lengths: Tensor?) -> Tensor {
    let (x, hidden) = (inputs[0], inputs[2])
    var state = inputs[firstState]
    var cell = plan.cell == .lstm ? inputs[firstState + 1] : nil
    var states = [Tensor?](repeating: nil, count: slots)
    states[plan.firstSlot] = state
    for time in plan.order {
      let next = RecurrentStep(plan.cell)(
        input: linear(x[time], inputs[1], hasBias ? inputs[3] : nil),
        product: linear(state, hidden, hasBias ? inputs[4] : nil), state: state, cell: cell)
      if let lengths {
        let isOn = (lengths .> lengths.like(time)).expanded(at: 1)
        state = `where`(isOn, next.state, state)
        cell = cell.map { `where`(isOn, next.cell!, $0) }
      } else {
        (state, cell) = next
      }
      states[plan.slot(of: time)] = state
    }
    if let cell { states[plan.steps + 1] = cell }
    return stacked(states.map { $0! }, along: 0)
  }
}
