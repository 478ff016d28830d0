// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func recurrence(
    _ plan: Recurrence, weight: StridedView, hiddenBias: StridedView?, _ memory: Recurrence.Memory
  ) {
    guard plan.batch > 0, plan.size > 0, plan.steps > 0 else { return }
    let product = scratch(.float32, [1, plan.batch, plan.width])
    let transposed = weight.viewed(
      shape: [1, plan.size, plan.width], strides: [0, weight.strides[1], weight.strides[0]])
    let states = memory.states
    for time in plan.order {
      let before = states.viewed(
        shape: [1, plan.batch, plan.size], strides: [0, plan.size, 1],
        offset: states.offset + plan.slot(before: time) * plan.batch * plan.size)
      matmul(before, transposed, bias: hiddenBias, into: product)
      launchStep(
        "recurrent_step", plan, time, memory, isMultiplied: true,
        [
          .buffer(memory.gates!), .buffer(product), .buffer(memory.candidates ?? states), .buffer(states),
          .buffer(memory.cells ?? states), .buffer(memory.lengths ?? states),
        ])
    }
  }

  package func recurrenceGradient(
    _ plan: Recurrence, weight: StridedView, _ memory: Recurrence.Memory, dStates: StridedView,
    into gradients: Recurrence.Gradients
  ) {
    guard plan.batch > 0, plan.size > 0 else { return }
    let (states, carry) = (memory.states, gradients.dState)
    pointwise(.fill(.real(0), dtype: .float32), [PointwiseOperands(inputs: [], outputs: [carry])])
    let source = gradients.dHidden ?? gradients.dGates
    let matrix = weight.viewed(shape: [1, plan.width, plan.size], strides: [0, weight.strides[0], weight.strides[1]])
    let product = scratch(.float32, [1, plan.batch, plan.size])
    var isMultiplied = false
    for time in plan.order.reversed() {
      launchStep(
        "recurrent_step_gradient", plan, time, memory, isMultiplied: isMultiplied,
        [
          .buffer(memory.gates ?? states), .buffer(product), .buffer(memory.candidates ?? states), .buffer(states),
          .buffer(memory.cells ?? states), .buffer(memory.lengths ?? states), .buffer(dStates), .long(dStates.offset),
          .buffer(carry), .buffer(gradients.dCell ?? carry), .buffer(gradients.dGates), .buffer(source),
        ])
      let step = source.viewed(
        shape: [1, plan.batch, plan.width], strides: [0, plan.width, 1],
        offset: source.offset + time * plan.batch * plan.width)
      matmul(step, matrix, bias: nil, into: product)
      isMultiplied = true
    }
    if isMultiplied {
      let flat = product.viewed(shape: carry.shape, strides: carry.strides)
      let sum = PointwiseProgram(
        inputs: [.float32, .float32], instructions: [PointwiseProgram.Instruction(.add, 0, 1)],
        outputs: [PointwiseProgram.Output(register: 2, dtype: .float32)])
      pointwise(sum, [PointwiseOperands(inputs: [carry, flat], outputs: [carry])])
    }
  }

  /// - Parameter isMultiplied: whether the product holds something.
  private func launchStep(
    _ kernel: String, _ plan: Recurrence, _ time: Int, _ memory: Recurrence.Memory, isMultiplied: Bool,
    _ arguments: [KernelArgument]
  ) {
    let share = max(1, 4096 / plan.size)
    let slot = plan.batch * plan.size
    launchItems(
      "recurrent.cl", kernel, isCPUDevice ? ceilDivide(plan.batch, share) : slot,
      [
        .longs([
          plan.batch, plan.size, plan.width, share, plan.cell.rawValue, time, memory.lengths?.offset ?? -1,
          isMultiplied ? 1 : 0, time * plan.batch * plan.width, time * slot, plan.slot(before: time) * slot,
          plan.slot(of: time) * slot,
        ])
      ] + arguments)
  }
}
