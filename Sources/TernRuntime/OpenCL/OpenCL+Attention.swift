// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func headProducts(_ a: StridedView, _ b: StridedView, into c: StridedView) {
    guard c.count > 0 else { return }
    func operand(_ view: StridedView) -> GemmOperand {
      GemmOperand(
        storage: view.storage, dtype: view.dtype, offset: view.offset, outer: view.strides[0], inner: view.strides[1],
        row: view.strides[2], column: view.strides[3])
    }
    gemm(
      GemmProblem(
        m: c.shape[2], n: c.shape[3], k: a.shape[3], outer: c.shape[0], inner: c.shape[1], a: operand(a),
        b: operand(b), c: operand(c)))
  }

  package func attentionSoftmax(_ plan: Attention, _ scores: StridedView, mask: StridedView?) {
    guard scores.count > 0 else { return }
    launchRows(
      "attention_softmax", plan,
      [
        .buffer(scores), .long(scores.offset), .buffer(mask ?? scores),
        .longs([mask?.offset ?? 0] + (mask?.strides ?? [0, 0, 0, 0]) + [mask.map { Int($0.dtype.rawValue) } ?? -1]),
      ])
  }

  package func attentionSoftmaxGradient(_ plan: Attention, probabilities: StridedView, _ gradient: StridedView) {
    guard gradient.count > 0 else { return }
    launchRows(
      "attention_softmax_gradient", plan,
      [.buffer(probabilities), .long(probabilities.offset), .buffer(gradient), .long(gradient.offset)])
  }

  private func launchRows(_ kernel: String, _ plan: Attention, _ arguments: [KernelArgument]) {
    let share = AxisExtents([plan.rows, plan.keys], axis: 1).share(isCPUDevice: isCPUDevice, groupSize: groupSize)
    launchItems(
      "attention.cl", kernel, isCPUDevice ? ceilDivide(plan.rows, share) : plan.rows * share,
      [
        .longs([
          plan.heads, plan.queries, plan.keys, plan.rows, share, plan.causalOffset == nil ? 0 : 1,
          plan.causalOffset ?? 0,
        ]), .float(plan.scale),
      ] + arguments)
  }
}
