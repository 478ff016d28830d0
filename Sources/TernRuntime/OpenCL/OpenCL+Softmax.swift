// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func softmax(_ geometry: ReductionGeometry, logarithm: Bool, _ x: StridedView, into y: StridedView) {
    guard x.count > 0 else { return }
    let source = around(x, axis: geometry.axes[0])
    launchAlong(
      geometry, "softmax",
      [.buffer(source.view), source.steps, .type(x), .buffer(y), .long(y.offset), .type(y)], logarithm: logarithm)
  }

  package func softmaxGradient(
    _ geometry: ReductionGeometry, logarithm: Bool, y: StridedView, gradient: StridedView, into dx: StridedView
  ) {
    guard y.count > 0 else { return }
    let output = around(y, axis: geometry.axes[0])
    let gradient = around(gradient, axis: geometry.axes[0])
    launchAlong(
      geometry, "softmax_gradient",
      [
        .buffer(output.view), output.steps, .type(output.view), .buffer(gradient.view), gradient.steps,
        .type(gradient.view), .buffer(dx), .long(dx.offset), .type(dx),
      ], logarithm: logarithm)
  }

  private func launchAlong(
    _ geometry: ReductionGeometry, _ kernel: String, _ arguments: [KernelArgument], logarithm: Bool
  ) {
    let extents = AxisExtents(geometry.inputShape, axis: geometry.axes[0])
    let (rows, flag) = (extents.outer, KernelArgument.int(logarithm ? 1 : 0))
    if extents.inner == 1 {
      let share = extents.share(isCPUDevice: isCPUDevice, groupSize: groupSize)
      launchItems(
        "softmax.cl", kernel + "_rows", isCPUDevice ? ceilDivide(rows, share) : rows * share,
        arguments + [.long(rows), .long(extents.count), flag, .long(share)])
    } else {
      let columns = isCPUDevice ? ceilDivide(extents.inner, 16) : extents.inner
      launchItems(
        "softmax.cl", kernel + "_columns", rows * columns,
        arguments + [.long(rows), .long(extents.count), .long(extents.inner), flag])
    }
  }
}
