// SPDX-License-Identifier: MIT
import COpenCL

/// Sizes that the kernels of `gemm_wide.cl` and `gemm_pack.cl` share with the host.
struct WideShape {
  /// Floats in a vector register: 16, 8 or 4.
  let vector: Int
  var tileRows: Int { vector == 16 ? 8 : 6 }
  var tileColumns: Int { 2 * vector }
  var dotRows: Int { vector == 16 ? 4 : 3 }
  var dotColumns: Int { vector == 16 ? 6 : 3 }
  var maximumRows: Int { 8 * tileRows }
  var definition: String { "VEC=\(vector)" }
}

extension OpenCLBackend {
  var wideShape: WideShape {
    let width = info.nativeFloatVector
    return WideShape(vector: width >= 16 ? 16 : width >= 8 ? 8 : 4)
  }

  /// Multiplies with `gemm_wide`: `b` is read in place where its rows are, else (or if `packs`) from a copy in panels.
  func wideGemm(_ original: GemmProblem, packs: Bool) {
    var problem = arranged(original)
    problem.a = converted(problem.a, rows: problem.m, columns: problem.k, problem)
    if packs || !isReadable(problem) {
      packAndLaunch(problem, wideShape)
    } else {
      launchWide(problem, wideShape, tileStride: wideShape.tileColumns, bounded: true)
    }
  }

  /// The wide algorithms that are valid for a product, the default first.
  func wideCandidates(for original: GemmProblem) -> [GemmAlgorithm] {
    let problem = arranged(original)
    guard isReadable(problem) else {
      return DotProblem(original) == nil ? [.widePacked] : [.wideDot, .widePacked]
    }
    let panels: [GemmAlgorithm] = hasConflictingRows(problem) ? [.widePacked, .wide] : [.wide, .widePacked]
    return panels + (DotProblem(original) == nil ? [] : [.wideDot])
  }

  /// Whether vectors of `b`'s columns can be read in place.
  private func isReadable(_ problem: GemmProblem) -> Bool {
    problem.b.dtype == .float32 && problem.b.column == 1 && problem.n >= wideShape.vector
  }

  /// With the operands exchanged `a` is what must have neighbouring elements, and either order costs the same.
  private func arranged(_ problem: GemmProblem) -> GemmProblem {
    !isReadable(problem) && isReadable(problem.transposed) ? problem.transposed : problem
  }

  /// Rows a multiple of 8 KiB apart fall into the same sets of the caches and push each other out before they are used
  /// again; packing pays once enough rows of `a` share the packed panel.
  private func hasConflictingRows(_ problem: GemmProblem) -> Bool {
    problem.b.row % 2048 == 0 && problem.k >= 256 && problem.m >= 256
  }

  /// `operand` in Float32: itself, or a dense copy of the matrices that differ.
  private func converted(_ operand: GemmOperand, rows: Int, columns: Int, _ problem: GemmProblem) -> GemmOperand {
    guard operand.dtype != .float32 else { return operand }
    let copies = (outer: operand.outer == 0 ? 1 : problem.outer, inner: operand.inner == 0 ? 1 : problem.inner)
    let target = scratch(copies.outer * copies.inner * rows * columns)
    let tile = wideShape.tileColumns
    pack(
      operand, rows: rows, columns: columns, copies: copies, into: target, batchStride: rows * columns,
      rowStride: columns, tileStride: tile, padded: false)
    return GemmOperand(
      storage: target, dtype: .float32, outer: operand.outer == 0 ? 0 : copies.inner * rows * columns,
      inner: operand.inner == 0 ? 0 : rows * columns, row: columns, column: 1)
  }

  /// Copies `b` into panels of one tile's columns, in order of use, then multiplies.
  private func packAndLaunch(_ original: GemmProblem, _ shape: WideShape) {
    var problem = original
    let b = problem.b
    let copies = (outer: b.outer == 0 ? 1 : problem.outer, inner: b.inner == 0 ? 1 : problem.inner)
    let panel = problem.k * shape.tileColumns
    let matrix = ceilDivide(problem.n, shape.tileColumns) * panel
    let target = scratch(copies.outer * copies.inner * matrix)
    pack(
      b, rows: problem.k, columns: problem.n, copies: copies, into: target, batchStride: matrix,
      rowStride: shape.tileColumns, tileStride: panel, padded: true)
    problem.b = GemmOperand(
      storage: target, dtype: .float32, outer: b.outer == 0 ? 0 : copies.inner * matrix,
      inner: b.inner == 0 ? 0 : matrix, row: shape.tileColumns, column: 1)
    launchWide(problem, shape, tileStride: panel, bounded: false)
  }

  private func pack(
    _ operand: GemmOperand, rows: Int, columns: Int, copies: (outer: Int, inner: Int), into target: Storage,
    batchStride: Int, rowStride: Int, tileStride: Int, padded: Bool
  ) {
    let shape = wideShape
    // The kernel knows one batch axis: two axes are one where their strides agree, else a launch for each outer index.
    let merges = copies.outer == 1 || copies.inner == 1 || operand.outer == operand.inner * copies.inner
    let launches = merges ? 1 : copies.outer
    let batch = merges ? copies.outer * copies.inner : copies.inner
    let stride = copies.inner > 1 ? operand.inner : operand.outer
    for index in 0..<launches {
      launch(
        "gemm_pack.cl", "gemm_pack", definitions: [shape.definition] + sourceDefinitions(operand.dtype),
        global: [ceilDivide(columns, shape.tileColumns), ceilDivide(rows, 64), batch], local: [1, 1, 1],
        [
          .storage(operand.storage), .storage(target),
          .longs([
            rows, columns, operand.offset + index * operand.outer, stride, operand.row, operand.column,
            index * batch * batchStride, batchStride, rowStride, tileStride, padded ? 1 : 0,
          ]),
        ])
    }
  }

  private func launchWide(_ problem: GemmProblem, _ shape: WideShape, tileStride: Int, bounded: Bool) {
    let wanted = WidePlan.parts(m: problem.m, n: problem.n, k: problem.k, batch: problem.batch)
    inParts(problem, wanted) { problem, depth, partStride in
      let parts = max(1, ceilDivide(problem.k, depth))
      let plan = WidePlan(
        m: problem.m, n: problem.n, k: depth, batch: problem.batch * parts, shape: shape, computeUnits: computeUnits)
      launch(
        "gemm_wide.cl", "gemm_wide", definitions: [shape.definition] + resultDefinitions(problem.c, problem.bias),
        global: [
          ceilDivide(problem.n, plan.blockColumns), ceilDivide(problem.m, plan.blockRows), problem.batch * parts,
        ],
        local: [1, 1, 1],
        problem.storages
          + [
            .longs(
              [
                problem.m, problem.n, problem.k, problem.inner, plan.blockRows, plan.blockColumns,
                parts, depth, partStride, tileStride, bounded ? 1 : 0,
              ] + problem.a.fields + problem.b.fields + problem.c.fields + problem.epilogue)
          ])
    }
  }
}

/// How a product is cut into blocks for work-items.
struct WidePlan {
  let blockRows, blockColumns: Int

  /// - Parameter batch: independent products.
  init(m: Int, n: Int, k: Int, batch: Int, shape: WideShape, computeUnits: Int) {
    let wanted = 4 * computeUnits
    var rows = min(shape.maximumRows, roundUp(m, to: shape.tileRows))
    var columns = shape.tileColumns
    func items() -> Int { ceilDivide(m, rows) * ceilDivide(n, columns) * batch }
    // About 2 us of arithmetic for a work-item at least, so that starting it does not show.
    while rows * columns * k < 1 << 16, columns < n, items() >= 2 * wanted { columns *= 2 }
    while rows > shape.tileRows, items() < wanted { rows = roundUp(rows / 2, to: shape.tileRows) }
    blockRows = rows
    blockColumns = columns
  }

  /// Parts of k that are summed apart, where too few tiles would leave cores idle. Depends on the shape only: the
  /// number of parts decides how sums are rounded.
  static func parts(m: Int, n: Int, k: Int, batch: Int) -> Int {
    let tiles = ceilDivide(m, 8) * ceilDivide(n, 32) * batch
    guard tiles < 16, k >= 2048 else { return 1 }
    return min(16, k / 1024)
  }
}
