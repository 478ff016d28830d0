// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func reduce(_ kind: Reduction, _ geometry: ReductionGeometry, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    guard let plan = plan(geometry, x) ?? plan(geometry, dense(x)) else {
      let limit = OpenCLReductionPlan.maximumAxes
      trap("reduce: shape \(x.shape) alternates between kept and reduced axes more than \(limit) times")
    }
    reduce(kind, plan, of: x.dtype, into: y) { definitions, arguments in
      launchItems(
        "reduce.cl", plan.kernelName, definitions: definitions,
        plan.items(isCPUDevice: isCPUDevice, groupSize: groupSize),
        [.buffer(plan.reducedCount == 0 ? y : plan.source), .type(x)] + arguments)
    }
  }

  package func reduce(
    _ kind: Reduction, _ geometry: ReductionGeometry, of program: PointwiseProgram, _ inputs: [StridedView],
    into y: StridedView
  ) -> Bool {
    let program = program.withConversions
    let dtype = program.outputs[0].dtype
    // The stored results as they would be; results that storing rounds or cuts off are stored.
    let stored = StridedView(y.storage, dtype, shape: geometry.inputShape)
    guard y.count > 0, geometry.reducedCount > 0, dtype == .float32 || dtype == .int64 || dtype == .bool,
      let layout = PointwiseLayoutClass(linear: inputs), let plan = plan(geometry, stored)
    else { return false }
    let key = PointwiseKernels.Key(
      structure: program.structure, layout: layout,
      reduction: FusedReduction(
        kind: code(of: kind, dtype), isInteger: isInteger(kind, dtype), kernelName: plan.kernelName,
        groupSize: groupSize))
    guard pointwiseKernels.isWorthCompiling(key, sets: 1, elements: stored.count) else { return false }
    do throws(TernError) {
      let kernel = try pointwiseKernels.compiled(key, sets: 0)
      var bytes = StructBytes()
      bytes.append(inputs.isEmpty ? [0] : inputs.map(\.offset))
      bytes.appendScalars(of: program, .integer)
      bytes.appendScalars(of: program, .real)
      let operands = inputs.map { KernelArgument.buffer($0) } + [.bytes(bytes.padded)]
      reduce(kind, plan, of: dtype, into: y) { _, arguments in
        launch(
          kernel, global: [plan.items(isCPUDevice: isCPUDevice, groupSize: groupSize)],
          local: [isCPUDevice ? 1 : groupSize], operands + arguments)
      }
    } catch {
      queue.fail(error)
      y.storage.mark(isEnqueued: false)
    }
    return true
  }

  private func plan(_ geometry: ReductionGeometry, _ x: StridedView) -> OpenCLReductionPlan? {
    OpenCLReductionPlan(geometry, x, isCPUDevice: isCPUDevice, groupSize: groupSize)
  }

  private func isInteger(_ kind: Reduction, _ dtype: DType) -> Bool { !dtype.isFloatingPoint && kind != .logSumExp }

  /// What the kernels compute: the mean of floats is their sum over their number, so one program does both.
  private func code(of kind: Reduction, _ dtype: DType) -> Reduction {
    kind == .mean && !isInteger(kind, dtype) ? .sum : kind
  }

  /// Runs both passes of a reduction.
  ///
  /// - Parameter first: launches the first one with these definitions and the arguments that follow the source's.
  private func reduce(
    _ kind: Reduction, _ plan: OpenCLReductionPlan, of dtype: DType, into y: StridedView,
    first: (_ definitions: [String], _ arguments: [KernelArgument]) -> Void
  ) {
    let isInteger = isInteger(kind, dtype)
    let definitions = ["KIND=\(code(of: kind, dtype).rawValue)", "INTEGER=\(isInteger ? 1 : 0)"]
    let divisor = KernelArgument.float(kind == .mean ? Float(plan.reducedCount) : 1)
    let stateBytes = isInteger ? 16 : 8
    let partial = plan.parts > 1 ? allocate(byteCount: plan.outputs * plan.parts * stateBytes) : y.storage
    first(
      definitions, [plan.argument(outputOffset: y.offset), .buffer(y), .type(y), divisor, .storage(partial)])
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
