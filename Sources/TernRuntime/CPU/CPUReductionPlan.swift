// SPDX-License-Identifier: MIT
import CTernCPU

/// A reduction's loops: for each outer position (kept axes) the rows of memory that go into its results, each row
/// either `length` elements that are all folded into one (`rowsAreReduced`), or as many columns.
///
/// Neighbouring axes of one kind are merged where memory allows. What cannot be read in place (other dtypes, a strided
/// last axis, more than two reduced axes beside the last) is first copied.
struct CPUReductionPlan {
  struct Axis {
    var extent: Int
    var stride: Int
  }

  /// Float32 or Int64.
  let dtype: DType
  let address: UnsafeMutableRawPointer
  /// Keeps a copy alive.
  private let view: StridedView
  private let outer: [Axis]
  /// The reduced axes beside the last: groups of rows, and rows.
  let groups: Axis
  let rows: Axis
  /// Elements that follow one another in memory.
  let length: Int
  let rowsAreReduced: Bool

  init(_ backend: CPUBackend, _ geometry: ReductionGeometry, _ x: StridedView, _ dtype: DType) {
    var view = x.dtype == dtype ? x : backend.dense(x, as: dtype)
    var (axes, isReduced) = Self.merged(view, geometry)
    if let last = axes.last, last.stride != 1 {
      view = backend.dense(view, as: dtype)
      (axes, isReduced) = Self.merged(view, geometry)
    }
    if zip(axes, isReduced).dropLast().count(where: { $0.1 }) > 2 {
      view = Self.permuted(backend, view, geometry, dtype)
      let reduced = Axis(extent: geometry.reducedCount, stride: 1)
      let kept = Axis(extent: elementCount(geometry.outputShape), stride: geometry.reducedCount)
      (axes, isReduced) = ([kept, reduced], [false, true])
    }
    self.dtype = dtype
    self.view = view
    address = view.address
    let single = Axis(extent: 1, stride: 0)
    let last = axes.popLast() ?? single
    rowsAreReduced = isReduced.popLast() ?? false
    length = last.extent
    outer = zip(axes, isReduced).filter { !$0.1 }.map(\.0)
    let reduced = zip(axes, isReduced).filter(\.1).map(\.0)
    rows = reduced.last ?? single
    groups = reduced.count == 2 ? reduced[0] : single
  }

  /// Axes longer than 1, neighbours merged, and which of them are reduced.
  private static func merged(_ view: StridedView, _ geometry: ReductionGeometry) -> ([Axis], [Bool]) {
    var axes: [Axis] = [], isReduced: [Bool] = []
    for axis in view.shape.indices where view.shape[axis] != 1 {
      let next = Axis(extent: view.shape[axis], stride: view.strides[axis])
      let reduces = geometry.axes.contains(axis)
      if let last = axes.last, isReduced.last == reduces, last.stride == next.stride * next.extent {
        axes[axes.count - 1] = Axis(extent: last.extent * next.extent, stride: next.stride)
      } else {
        axes.append(next)
        isReduced.append(reduces)
      }
    }
    return (axes, isReduced)
  }

  /// A dense copy with the reduced axes last.
  private static func permuted(
    _ backend: CPUBackend, _ view: StridedView, _ geometry: ReductionGeometry, _ dtype: DType
  ) -> StridedView {
    let order = view.shape.indices.filter { !geometry.axes.contains($0) } + geometry.axes
    let turned = view.viewed(shape: order.map { view.shape[$0] }, strides: order.map { view.strides[$0] })
    let copy = backend.scratch(turned.shape, dtype)
    backend.convert(turned, into: copy)
    return copy
  }

  var outerCount: Int { outer.reduce(1) { $0 * $1.extent } }
  /// Results at one outer position.
  var columnCount: Int { rowsAreReduced ? 1 : length }
  var rowCount: Int { groups.extent * rows.extent }

  /// Where the rows of an outer position start, in elements.
  func offset(ofOuter index: Int) -> Int {
    var rest = index, offset = 0
    for axis in outer.reversed() {
      offset += rest % axis.extent * axis.stride
      rest /= axis.extent
    }
    return offset
  }
}

/// How a fold is cut into chunks: along the outputs, and for few outputs of many elements also along the rows, into
/// parts that are joined afterwards. The cuts depend on the shape only.
struct FoldTask {
  /// Elements in a chunk, about 20 microseconds of reading.
  private static let chunkElements = 1 << 16

  private enum Cut { case none, groups, rows, length }

  private let table: UnsafePointer<tern_reduction_functions>
  private let code: Int
  private let plan: CPUReductionPlan
  private let result: UnsafeMutableRawPointer
  private let cut: Cut
  private let perPart: Int
  /// Parts that each output is folded in.
  let parts: Int
  private let outerPerChunk: Int
  private let columnsPerChunk: Int
  private let isSplit: Bool

  init(
    _ table: UnsafePointer<tern_reduction_functions>, _ code: Int, _ plan: CPUReductionPlan,
    _ result: UnsafeMutableRawPointer
  ) {
    self.table = table
    self.code = code
    self.plan = plan
    self.result = result
    isSplit = false
    let size = Self.chunkElements, elements = plan.rowCount * plan.length
    (cut, perPart, parts) = Self.parts(plan, elements)
    outerPerChunk = max(1, size / max(1, elements))
    let strip = Int(TERN_FOLD_COLUMNS)
    columnsPerChunk = max(1, size / max(1, plan.rowCount * strip)) * strip
  }

  private init(_ task: FoldTask, into partial: UnsafeMutableRawPointer) {
    (table, code, plan, cut, perPart, parts) = (task.table, task.code, task.plan, task.cut, task.perPart, task.parts)
    (result, isSplit) = (partial, true)
    (outerPerChunk, columnsPerChunk) = (1, max(1, task.plan.length))
  }

  private static func parts(_ plan: CPUReductionPlan, _ elements: Int) -> (Cut, Int, Int) {
    let columnStrips = plan.rowsAreReduced ? 1 : (plan.length + Int(TERN_FOLD_COLUMNS) - 1) / Int(TERN_FOLD_COLUMNS)
    if elements < 2 * chunkElements || plan.outerCount * columnStrips >= 16 { return (.none, 0, 1) }
    func cut(_ cut: Cut, _ extent: Int, _ elementsEach: Int) -> (Cut, Int, Int) {
      let each = max(1, chunkElements / max(1, elementsEach))
      return (cut, each, (extent + each - 1) / each)
    }
    if plan.groups.extent > 1 { return cut(.groups, plan.groups.extent, plan.rows.extent * plan.length) }
    if plan.rows.extent > 1 { return cut(.rows, plan.rows.extent, plan.length) }
    return plan.rowsAreReduced ? cut(.length, plan.length, 1) : (.none, 0, 1)
  }

  /// The same task with one chunk for each part of each outer position, results going to `partial`.
  func split(into partial: UnsafeMutableRawPointer) -> FoldTask { FoldTask(self, into: partial) }

  private var columnChunks: Int {
    plan.rowsAreReduced ? 1 : (plan.length + columnsPerChunk - 1) / columnsPerChunk
  }

  var chunkCount: Int {
    if isSplit { return plan.outerCount * parts }
    let outerChunks = (plan.outerCount + outerPerChunk - 1) / outerPerChunk
    return outerPerChunk > 1 ? outerChunks : plan.outerCount * columnChunks
  }

  func run(chunk: Int) {
    if isSplit {
      let (outer, part) = chunk.quotientAndRemainder(dividingBy: parts)
      run(outer: outer, column: 0, columns: plan.columnCount, part: part, slot: chunk)
    } else if outerPerChunk > 1 {
      for outer in chunk * outerPerChunk..<min((chunk + 1) * outerPerChunk, plan.outerCount) {
        run(outer: outer, column: 0, columns: plan.columnCount, part: nil, slot: outer)
      }
    } else {
      let (outer, strip) = chunk.quotientAndRemainder(dividingBy: columnChunks)
      let column = strip * columnsPerChunk
      run(
        outer: outer, column: column, columns: min(columnsPerChunk, plan.columnCount - column), part: nil, slot: outer)
    }
  }

  private func run(outer: Int, column: Int, columns: Int, part: Int?, slot: Int) {
    var (groups, rows, length) = (plan.groups, plan.rows, plan.length)
    var offset = plan.offset(ofOuter: outer) + column
    if let part {
      func take(_ axis: inout CPUReductionPlan.Axis) {
        offset += part * perPart * axis.stride
        axis.extent = min(perPart, axis.extent - part * perPart)
      }
      switch cut {
      case .groups: take(&groups)
      case .rows: take(&rows)
      case .length:
        offset += part * perPart
        length = min(perPart, length - part * perPart)
      case .none: break
      }
    }
    let width = plan.dtype.byteCount
    let target = result + (slot * plan.columnCount + column) * width
    var memory = tern_rows(
      base: plan.address + offset * width, inner_stride: rows.stride, outer_stride: groups.stride,
      inner: rows.extent, outer: groups.extent)
    if plan.rowsAreReduced {
      rowsFold(table, code, plan.dtype)(&memory, length, target)
    } else {
      columnsFold(table, code, plan.dtype)(&memory, columns, target)
    }
  }
}
