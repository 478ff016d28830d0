// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func gridSample(_ plan: GridSampling, _ x: StridedView, _ grid: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let share = pointShare(plan)
    launchItems(
      "grid_sample.cl", "grid_sample", items(plan, share),
      [
        .buffer(x), .buffer(grid), .buffer(y), .type(y),
        sampling(plan, x: x, grid: grid, dy: nil, into: y, share: share),
      ])
  }

  package func gridSampleGridGradient(
    _ plan: GridSampling, _ dy: StridedView, _ x: StridedView, _ grid: StridedView, into dgrid: StridedView
  ) {
    guard dgrid.count > 0 else { return }
    let share = pointShare(plan)
    launchItems(
      "grid_sample.cl", "grid_gradient", items(plan, share),
      [
        .buffer(dy.count > 0 ? dy : dgrid), .buffer(x.count > 0 ? x : dgrid), .buffer(grid), .buffer(dgrid),
        .type(dgrid), sampling(plan, x: x, grid: grid, dy: dy, into: dgrid, share: share),
      ])
  }

  package func gridSampleInputGradient(
    _ plan: GridSampling, _ dy: StridedView, _ grid: StridedView, into dx: StridedView
  ) {
    guard dx.count > 0 else { return }
    guard plan.points > 0 else {
      return pointwise(.fill(.real(0), dtype: dx.dtype), [PointwiseOperands(inputs: [], outputs: [dx])])
    }
    if isCPUDevice {
      ownedInputGradient(plan, dy, grid, into: dx)
    } else {
      sortedInputGradient(plan, dy, grid, into: dx)
    }
  }

  /// For CPU devices: each work-item owns some channels of an image.
  private func ownedInputGradient(
    _ plan: GridSampling, _ dy: StridedView, _ grid: StridedView, into dx: StridedView
  ) {
    let share = min(plan.channels, 8)
    intoFloat32(dx) { target in
      launchItems(
        "grid_sample.cl", "grid_input_gradient", plan.batch * ceilDivide(plan.channels, share),
        [
          .buffer(dy), .buffer(grid), .buffer(target), .type(grid),
          sampling(plan, x: nil, grid: grid, dy: dy, into: target, share: share),
        ])
    }
  }

  /// For GPUs: the terms of all samples are sorted by the element that they belong to.
  private func sortedInputGradient(
    _ plan: GridSampling, _ dy: StridedView, _ grid: StridedView, into dx: StridedView
  ) {
    let terms = plan.batch * plan.points * plan.terms * plan.terms
    let elements = plan.batch * plan.height * plan.width
    require(
      terms < Int32.max && elements < Int32.max,
      "gridSample: the gradient of \(terms) terms and \(elements) elements in a channel, expected fewer than "
        + "\(Int32.max) of each; use smaller batches")
    let (pairs, weights) = (scratch(.int32, [terms, 2]), scratch(.float32, [terms]))
    let arguments = sampling(plan, x: nil, grid: grid, dy: dy, into: dx, share: 1)
    launchItems(
      "grid_sample.cl", "grid_terms", plan.batch * plan.points,
      [.buffer(grid), .buffer(pairs), .buffer(weights), .type(grid), arguments])
    let sorted = sorted(pairs, keys: elements)
    launchItems(
      "grid_sample.cl", "grid_input_gradient", dx.count,
      [.buffer(dy), .buffer(sorted), .buffer(weights), .int(terms), .buffer(dx), .type(dx), arguments])
  }

  /// Points of a work-item of a CPU device.
  private func pointShare(_ plan: GridSampling) -> Int {
    isCPUDevice ? max(16, 4096 / (max(1, plan.channels) * plan.terms * plan.terms)) : 1
  }

  private func items(_ plan: GridSampling, _ share: Int) -> Int { ceilDivide(plan.batch * plan.points, share) }

  /// `sampling_t` of the kernels.
  private func sampling(
    _ plan: GridSampling, x: StridedView?, grid: StridedView, dy: StridedView?, into result: StridedView, share: Int
  ) -> KernelArgument {
    func steps(_ view: StridedView?) -> [Int] { view.map { [$0.offset] + $0.strides } ?? [0, 0, 0, 0, 0] }
    return .longs(
      steps(x) + steps(grid) + steps(dy) + [result.offset] + [plan.batch, plan.channels, plan.height, plan.width]
        + [plan.outputHeight, plan.outputWidth, plan.mode.rawValue, plan.padding.rawValue]
        + [plan.alignsCorners ? 1 : 0, share])
  }
}
