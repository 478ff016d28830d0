// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func reduce(_ kind: Reduction, _ geometry: ReductionGeometry, _ x: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let held = accumulator(kind, y.dtype)
    let result = y.dtype == held && y.isContiguous ? y : scratch(y.shape, held)
    fold(kind == .mean ? .sum : kind, geometry, x, into: result)
    if kind == .mean { divide(result, by: geometry.reducedCount) }
    if result.storage !== y.storage { convert(result, into: y) }
  }

  /// What a reduction accumulates and leaves; means and logarithms are real whatever they are taken of.
  func accumulator(_ kind: Reduction, _ dtype: DType) -> DType {
    dtype.isFloatingPoint || kind == .mean || kind == .logSumExp ? .float32 : .int64
  }

  /// Reduces into a dense result of the accumulator's dtype; any kind but the mean.
  func fold(_ kind: Reduction, _ geometry: ReductionGeometry, _ x: StridedView, into result: StridedView) {
    let plan = CPUReductionPlan(self, geometry, x, result.dtype)
    if kind == .logSumExp {
      reduceLogSumExp(plan, into: result)
    } else {
      fold(kind.fold, plan, into: result.address)
    }
  }

  func divide(_ result: StridedView, by count: Int) {
    let program = PointwiseProgram(
      inputs: [.float32], scalars: [.real(Float(count))], instructions: [.init(.divide, 0, 1)],
      outputs: [.init(register: 2, dtype: .float32)])
    runPointwise(program, [PointwiseOperands(inputs: [result], outputs: [result])])
  }

  /// The greatest elements first, then the sums of exponentials relative to them.
  private func reduceLogSumExp(_ plan: CPUReductionPlan, into result: StridedView) {
    let greatest = scratch(result.shape)
    let sums = scratch(result.shape)
    fold(Int(TERN_MAX), plan, into: greatest.address)
    // An infinite shift would make infinity - infinity: relative to 0, all -infinity gives log 0 = -infinity.
    let shifts = PointwiseProgram(
      inputs: [.float32], scalars: [.real(0)], instructions: [.init(.isFinite, 0), .init(.select, 2, 0, 1)],
      outputs: [.init(register: 3, dtype: .float32)])
    runPointwise(shifts, [PointwiseOperands(inputs: [greatest], outputs: [greatest])])
    convert(greatest, into: sums)
    fold(Int(TERN_SUM_OF_EXPONENTIALS), plan, into: sums.address)
    tern_reduction_functions_for(isa).pointee.finish_log_sum(
      sums.floats, greatest.floats, result.floats, result.count)
  }

  /// Folds what the plan describes into dense Float32 or Int64 results. Sums of exponentials find their shifts there.
  private func fold(_ code: Int, _ plan: CPUReductionPlan, into result: UnsafeMutableRawPointer) {
    let table = tern_reduction_functions_for(isa)!
    let task = FoldTask(table, code, plan, result)
    let parts = task.parts
    if parts == 1 {
      threads.run(chunks: task.chunkCount) { task.run(chunk: $0) }
      return
    }
    // Partial results, part after part for each output, then a fold over the parts in order.
    let partial = scratch([plan.outerCount, parts, plan.columnCount], plan.dtype)
    if code == Int(TERN_SUM_OF_EXPONENTIALS) { repeatShifts(result, plan, into: partial) }
    let split = task.split(into: partial.address)
    threads.run(chunks: split.chunkCount) { split.run(chunk: $0) }
    for first in 0..<plan.outerCount {
      var rows = tern_rows(
        base: partial.address + first * parts * plan.columnCount * plan.dtype.byteCount,
        inner_stride: plan.columnCount, outer_stride: 0, inner: parts, outer: 1)
      let target = result + first * plan.columnCount * plan.dtype.byteCount
      columnsFold(table, joining(code), plan.dtype)(&rows, plan.columnCount, target)
    }
  }

  /// Gives each part the shift that stands in the place of its output.
  private func repeatShifts(_ shifts: UnsafeMutableRawPointer, _ plan: CPUReductionPlan, into partial: StridedView) {
    let (columns, parts) = (plan.columnCount, partial.shape[1])
    for row in 0..<plan.outerCount * parts {
      let source = shifts + row / parts * columns * plan.dtype.byteCount
      (partial.address + row * columns * plan.dtype.byteCount)
        .copyMemory(from: source, byteCount: columns * plan.dtype.byteCount)
    }
  }

  package func argReduce(_ kind: ArgReduction, _ geometry: ReductionGeometry, _ x: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let isReal = x.dtype.isFloatingPoint
    let x = dense(x, as: isReal ? .float32 : .int64)
    let table = tern_reduction_functions_for(isa).pointee
    let extreme: tern_extreme =
      switch (kind, isReal) {
      case (.max, true): table.largest
      case (.max, false): table.largest_int
      case (.min, true): table.smallest
      case (.min, false): table.smallest_int
      }
    let positions = y.dtype == .int64 && y.isContiguous ? y : scratch(y.shape, .int64)
    let out = positions.address.assumingMemoryBound(to: Int64.self)
    let slices = AxisSlices(geometry, columnLimit: Int(TERN_FOLD_COLUMNS))
    let source = x.address
    let width = x.dtype.byteCount
    threads.run(chunks: slices.chunkCount) { chunk in
      slices.forEach(inChunk: chunk) { outer, column, columns in
        let element = outer * slices.length * slices.inner + column
        extreme(source + element * width, slices.length, slices.inner, columns, out + outer * slices.inner + column)
      }
    }
    if positions.storage !== y.storage { convert(positions, into: y) }
  }
}

/// A dense array seen as `[outer, length, inner]` around one axis, cut into strips of neighbouring columns.
struct AxisSlices {
  let outer, length, inner: Int
  private let width: Int
  private let strips: Int
  private let perChunk: Int

  init(_ geometry: ReductionGeometry, columnLimit: Int) {
    let axis = geometry.axes[0]
    let shape = geometry.inputShape
    outer = elementCount(Array(shape[..<axis]))
    length = shape[axis]
    inner = elementCount(Array(shape[(axis + 1)...]))
    width = min(columnLimit, max(1, inner))
    strips = (inner + width - 1) / width
    perChunk = max(1, 16384 / max(1, length * width))
  }

  var chunkCount: Int { (outer * strips + perChunk - 1) / perChunk }

  /// Calls `body` with the outer index, the first column and the number of columns of each strip of a chunk.
  @inline(__always)
  func forEach(inChunk chunk: Int, _ body: (_ outer: Int, _ column: Int, _ columns: Int) -> Void) {
    for strip in chunk * perChunk..<min((chunk + 1) * perChunk, outer * strips) {
      let column = strip % strips * width
      body(strip / strips, column, min(width, inner - column))
    }
  }
}
