// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func reduce(_ kind: Reduction, _ geometry: ReductionGeometry, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    func plan(_ x: StridedView) -> OpenCLReductionPlan? {
      OpenCLReductionPlan(geometry, x, isCPUDevice: isCPUDevice, groupSize: groupSize)
    }
    guard let plan = plan(x) ?? plan(dense(x)) else {
      let limit = OpenCLReductionPlan.maximumAxes
      trap("reduce: shape \(x.shape) alternates between kept and reduced axes more than \(limit) times")
    }
    let isInteger = !x.dtype.isFloatingPoint && kind != .logSumExp
    let isMean = kind == .mean
    // The mean of floats is their sum over their number; one program does both.
    let code = isMean && !isInteger ? Reduction.sum : kind
    let definitions = ["KIND=\(code.rawValue)", "INTEGER=\(isInteger ? 1 : 0)"]
    let divisor = KernelArgument.float(isMean ? Float(plan.reducedCount) : 1)
    let stateBytes = isInteger ? 16 : 8
    let partial = plan.parts > 1 ? allocate(byteCount: plan.outputs * plan.parts * stateBytes) : y.storage
    launchItems(
      "reduce.cl", plan.usesColumns ? "reduce_columns" : "reduce_rows", definitions: definitions,
      plan.items(isCPUDevice: isCPUDevice, groupSize: groupSize),
      [
        .buffer(plan.reducedCount == 0 ? y : plan.source), .type(x), plan.argument(outputOffset: y.offset), .buffer(y),
        .type(y), divisor, .storage(partial),
      ])
    guard plan.parts > 1 else { return }
    launchItems(
      "reduce.cl", "reduce_parts", definitions: definitions, plan.outputs * (isCPUDevice ? 1 : groupSize),
      [
        .storage(partial), .long(plan.parts), .long(plan.outputs), .buffer(y), .long(y.offset), .type(y), divisor,
      ])
  }

  package func argReduce(_ kind: ArgReduction, _ geometry: ReductionGeometry, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let axis = geometry.axes[0]
    let extents = AxisExtents(x.shape, axis: axis)
    require(extents.count > 0, "argReduce: axis \(axis) of shape \(x.shape) is empty, expected at least one element")
    let source = around(x, axis: axis)
    let definitions = ["LEAST=\(kind == .min ? 1 : 0)", "INTEGER=\(x.dtype.isFloatingPoint ? 0 : 1)"]
    func launch(_ kernel: String, _ items: Int, _ arguments: [KernelArgument]) {
      launchItems(
        "argreduce.cl", kernel, definitions: definitions, items,
        [.buffer(source.view), source.steps, .type(x)] + arguments)
    }
    let (rows, n) = (extents.outer, extents.count)
    guard extents.inner == 1 else {
      let columns = isCPUDevice && x.dtype.isFloatingPoint ? ceilDivide(extents.inner, 16) : extents.inner
      launch(
        "argreduce_columns", rows * columns,
        [.buffer(y), .long(y.offset), .long(rows), .long(n), .long(extents.inner)])
      return
    }
    let part = max(isCPUDevice ? 65536 : 16384, rows >= 256 ? n : 0)
    let parts = ceilDivide(n, part)
    let share = extents.share(isCPUDevice: isCPUDevice, groupSize: groupSize)
    let winners = parts > 1 ? scratch(.int64, [rows, parts]) : y
    launch(
      "argreduce_rows", (isCPUDevice ? ceilDivide(rows, share) : rows * share) * parts,
      [
        .buffer(winners), .long(winners.offset), .long(rows), .long(n), .long(part), .long(parts), .long(share),
      ])
    if parts > 1 {
      launch("argreduce_parts", rows, [.buffer(winners), .buffer(y), .long(y.offset), .long(rows), .long(parts)])
    }
  }
}
