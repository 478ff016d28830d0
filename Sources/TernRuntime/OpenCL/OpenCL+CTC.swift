// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func ctcLosses(_ problem: CTCProblem, alpha: StridedView, into losses: StridedView) {
    guard problem.samples > 0 else { return }
    launchSamples(
      problem, "ctc_alpha", ctcStates(problem), [.buffer(alpha), .buffer(losses), .long(losses.offset)])
  }

  package func ctcGradient(
    _ problem: CTCProblem, alpha: StridedView, losses: StridedView, scale: StridedView, into gradient: StridedView
  ) {
    guard gradient.count > 0 else { return }
    let states = ctcStates(problem)
    let posteriors = scratch(.float32, alpha.shape)
    let ends = scratch(.float32, [problem.samples, 2, problem.rowLength])
    launchSamples(
      problem, "ctc_posteriors", states,
      [.buffer(alpha), .buffer(losses), .long(losses.offset), .buffer(ends), .buffer(posteriors)])
    pointwise(.fill(.real(0), dtype: gradient.dtype), [PointwiseOperands(inputs: [], outputs: [gradient])])
    launchElements(
      "ctc.cl", "ctc_gradient", problem.samples * problem.steps * (problem.labels + 1), share: 1024,
      [.buffer(states)] + lengths(problem) + [
        sizes(problem), .buffer(posteriors), .buffer(scale), list(scale), .buffer(gradient), .long(gradient.offset),
        .type(gradient),
      ])
  }

  /// What the kernels know of each state of each sample.
  private func ctcStates(_ problem: CTCProblem) -> StridedView {
    let count = problem.samples * problem.states
    let states = scratch(.int32, [count, 4])
    let targets = problem.targets
    launchElements(
      "ctc.cl", "ctc_states", count, share: 64,
      [
        .buffer(targets.count > 0 ? targets : states),
        .longs([targets.offset, targets.strides[0], targets.strides[1], Int(targets.dtype.rawValue)]), sizes(problem),
        .buffer(states),
      ])
    return states
  }

  /// One work-item, or one group, for each sample.
  private func launchSamples(
    _ problem: CTCProblem, _ kernel: String, _ states: StridedView, _ arguments: [KernelArgument]
  ) {
    let x = problem.logProbabilities
    launchItems(
      "ctc.cl", kernel, problem.samples * (isCPUDevice ? 1 : groupSize),
      [.buffer(x.count > 0 ? x : states), .longs([x.offset] + x.strides), .type(x), .buffer(states)]
        + lengths(problem) + [sizes(problem)] + arguments)
  }

  private func lengths(_ problem: CTCProblem) -> [KernelArgument] {
    [problem.inputLengths, problem.targetLengths].flatMap { [.buffer($0), list($0)] }
  }

  private func sizes(_ problem: CTCProblem) -> KernelArgument {
    .longs([problem.steps, problem.samples, problem.classes, problem.labels, problem.blank])
  }

  /// `list_t` of the kernels.
  private func list(_ view: StridedView) -> KernelArgument {
    .longs([view.offset, view.strides[0], Int(view.dtype.rawValue)])
  }
}
