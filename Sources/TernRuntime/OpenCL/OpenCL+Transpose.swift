// SPDX-License-Identifier: MIT

/// A copy between views that are dense along different axes: rows are neighbours in the source, columns in the target.
/// `transpose.cl` makes it in blocks; element by element each one would cost a cache line.
struct Transposition {
  fileprivate let rows, columns, outer: Int
  fileprivate let sourceColumn, targetRow: Int
  /// Extents and steps of the other axes.
  fileprivate let others: [Int]

  /// Axes beside the two.
  private static let outerAxes = 6
  /// A side of fewer elements does not fill the kernel's blocks.
  private static let shortestSide = 16
  /// Fewer columns than that: a kernel of its own copies whole rows.
  fileprivate var isNarrow: Bool { columns < Self.shortestSide }

  /// Nil where the copy is not of this kind, or has fewer elements than are worth a kernel of its own.
  ///
  /// - Parameter narrow: whether there may be few columns.
  init?(from source: StridedView, toStrides strides: [Int], atLeast fewestElements: Int, narrow: Bool) {
    guard source.count >= fewestElements, source.strides != strides else { return nil }
    let target = source.viewed(shape: source.shape, strides: strides)
    let loop = CollapsedLoop([source, target], shape: source.shape)
    let (from, to) = (loop.strides[0], loop.strides[1])
    guard let row = from.lastIndex(of: 1), let column = to.lastIndex(of: 1), abs(from[column]) > 1, abs(to[row]) > 1,
      loop.shape[row] >= Self.shortestSide, narrow || loop.shape[column] >= Self.shortestSide
    else { return nil }
    let rest = loop.shape.indices.filter { $0 != row && $0 != column }
    guard rest.count <= Self.outerAxes else { return nil }
    func padded(_ numbers: [Int], with filler: Int) -> [Int] {
      repeatElement(filler, count: Self.outerAxes - rest.count) + rest.map { numbers[$0] }
    }
    (rows, columns) = (loop.shape[row], loop.shape[column])
    (sourceColumn, targetRow) = (from[column], to[row])
    outer = rest.reduce(1) { $0 * loop.shape[$1] }
    others = padded(loop.shape, with: 1) + padded(from, with: 0) + padded(to, with: 0)
  }
}

extension OpenCLBackend {
  private static let transposingGroup = 256
  /// Copies of fewer elements stay in the caches however they are made.
  private static let fewestCopied = 1 << 14
  /// An input's copy is written and read again, so it must save more: on a CPU device with two AVX-512 cores a sum with
  /// a transposed matrix gains from about 1024 x 1024 on.
  private var fewestTransposed: Int { isCPUDevice ? 1 << 20 : 1 << 16 }

  /// Sides of the blocks in which the kernel counts.
  private func transposingBlock(_ plan: Transposition) -> (rows: Int, columns: Int) {
    plan.isNarrow ? (1024, plan.columns) : isCPUDevice ? (64, 64) : (32, 32)
  }

  func transpose(_ plan: Transposition, _ source: StridedView, into target: StridedView) {
    let word = ["uchar", "ushort", "uint", "ulong"][source.dtype.byteCount.trailingZeroBitCount]
    let block = transposingBlock(plan)
    let blocks = plan.outer * ceilDivide(plan.rows, block.rows) * ceilDivide(plan.columns, block.columns)
    let group = isCPUDevice ? 1 : Self.transposingGroup
    let geometry = [plan.rows, plan.columns, source.offset, plan.sourceColumn, target.offset, plan.targetRow]
    launch(
      "transpose.cl", plan.isNarrow ? "transpose_narrow" : "transpose_copy", definitions: ["WORD=\(word)"],
      global: [blocks * group], local: [group],
      [.buffer(source), .buffer(target), .longs(geometry + plan.others), .long(blocks)])
  }

  /// The same work without inputs that are dense along another axis than the outputs: they are transposed first. Nil
  /// when that was all there was to do.
  func withoutTransposedInputs(_ program: PointwiseProgram, _ set: PointwiseOperands) -> PointwiseOperands? {
    guard isCPUDevice || maxWorkGroupSize >= Self.transposingGroup else { return set }
    if program.isCopy, set.inputs[0].shape == set.outputs[0].shape,
      let plan = Transposition(
        from: set.inputs[0], toStrides: set.outputs[0].strides, atLeast: Self.fewestCopied, narrow: isCPUDevice)
    {
      transpose(plan, set.inputs[0], into: set.outputs[0])
      return nil
    }
    guard set.outputs.allSatisfy(\.isContiguous) else { return set }
    return PointwiseOperands(inputs: set.inputs.map(rowMajor), outputs: set.outputs)
  }

  /// A row-major copy of a view that is transposed; repeated axes stay repeated.
  private func rowMajor(_ view: StridedView) -> StridedView {
    let shape = zip(view.shape, view.strides).map { $1 == 0 ? 1 : $0 }
    let dense = contiguousStrides(shape)
    let once = view.viewed(shape: shape, strides: view.strides)
    guard let plan = Transposition(from: once, toStrides: dense, atLeast: fewestTransposed, narrow: false) else {
      return view
    }
    let target = scratch(view.dtype, shape)
    transpose(plan, once, into: target)
    return target.viewed(shape: view.shape, strides: zip(dense, view.strides).map { $1 == 0 ? 0 : $0 })
  }
}

extension PointwiseProgram {
  /// Whether the program moves its one input as it is.
  fileprivate var isCopy: Bool {
    instructions.isEmpty && inputs.count == 1 && outputs.count == 1 && outputs[0].register == 0
      && inputs[0] == outputs[0].dtype
  }
}
