// SPDX-License-Identifier: MIT

/// A product whose operands both have neighbouring elements along k: sums of products of two rows.
///
/// k may be cut into segments (images) with strides of their own.
struct DotProblem {
  var m, n: Int
  var batch = 1
  var segments = 1
  var segmentLength: Int
  var a, b: GemmOperand  // `outer` is the batch stride; b is n × k
  var aSegment = 0
  var bSegment = 0
  /// Offsets of b's rows, where they do not follow a stride.
  var table: Storage?
  var c: GemmOperand
  var bias: GemmBias?
  var activation = Activation.none

  init(m: Int, n: Int, segmentLength: Int, a: GemmOperand, b: GemmOperand, c: GemmOperand) {
    self.m = m
    self.n = n
    self.segmentLength = segmentLength
    self.a = a
    self.b = b
    self.c = c
  }

  /// The same as a general product, where its layout allows and packing `b` would cost more: few rows of `a`.
  init?(_ problem: GemmProblem) {
    guard problem.a.column == 1, problem.b.row == 1, problem.k > 0, problem.m <= 128,
      [problem.a.dtype, problem.b.dtype, problem.c.dtype].allSatisfy({ $0 == .float32 }),
      problem.outer == 1 || problem.inner == 1,
      // Rows this far apart share a set of the first cache.
      problem.b.column % 1024 != 0 || problem.n == 1
    else { return nil }
    func merged(_ operand: GemmOperand) -> GemmOperand {
      var result = operand
      if problem.outer == 1 { result.outer = operand.inner }
      return result
    }
    self.init(
      m: problem.m, n: problem.n, segmentLength: problem.k, a: merged(problem.a), b: merged(problem.b).transposed,
      c: merged(problem.c))
    batch = problem.batch
    bias = problem.bias
    activation = problem.activation
    guard (problem.bias?.inner ?? 0) == 0 || problem.batch == 1 else { return nil }
  }
}

extension OpenCLBackend {
  func dotGemm(_ problem: DotProblem) {
    let shape = wideShape
    let size = problem.m * problem.n
    let rowTiles = ceilDivide(problem.m, shape.dotRows)
    // Segments that one pass takes together: long enough that adding up a tile's vectors does not show.
    let perPass = min(problem.segments, max(1, 2048 / max(1, problem.segmentLength)))
    let passes = ceilDivide(problem.segments, perPass)
    // By the shape only, as the splits decide how sums are rounded.
    let splits = min(passes, max(1, ceilDivide(64, rowTiles * problem.batch)))
    let perSplit = ceilDivide(passes, splits) * perPass
    let parts = ceilDivide(problem.segments, perSplit)
    var columns = roundUp(problem.n, to: shape.dotColumns)
    while columns > 4 * shape.dotColumns,
      ceilDivide(problem.n, columns) * rowTiles * problem.batch * parts < 4 * computeUnits
    {
      columns = roundUp(columns / 2, to: shape.dotColumns)
    }
    let direct = parts == 1 && problem.c.dtype == .float32
    let c =
      direct
      ? problem.c
      : GemmOperand(
        storage: scratch(parts * problem.batch * size), dtype: .float32, outer: size, row: problem.n, column: 1)
    let (a, b) = (problem.a, problem.b)
    var target = GemmProblem(m: problem.m, n: problem.n, k: 0, outer: problem.batch, a: a, b: b, c: c)
    if direct { (target.bias, target.activation) = (problem.bias, problem.activation) }
    launch(
      "gemm_wide.cl", "gemm_dot", definitions: [shape.definition] + resultDefinitions(target.c, target.bias),
      global: [ceilDivide(problem.n, columns), rowTiles, problem.batch * parts], local: [1, 1, 1],
      target.storages
        + [
          .storage(problem.table ?? b.storage),
          .longs(
            [
              problem.m, problem.n, columns,
              problem.segments, problem.segmentLength, perPass, perSplit, parts,
              problem.aSegment, problem.bSegment, problem.batch * size, problem.table == nil ? 0 : 1,
            ] + a.fields + b.fields + c.fields + target.epilogue),
        ])
    if !direct {
      reduce(
        parts: parts, partStride: problem.batch * size, c.storage, m: problem.m, n: problem.n, outer: problem.batch,
        inner: 1, into: problem.c, bias: problem.bias, activation: problem.activation)
    }
  }
}
