// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// Runs a product whole, or cut along k into parts, each with a dense Float32 result, which are then added up in
  /// order: the same bits every time.
  ///
  /// - Parameter body: launches the product it is given, `depth` of k for each part, results `partStride` elements
  /// apart.
  func inParts(
    _ problem: GemmProblem, _ parts: Int, _ body: (_ problem: GemmProblem, _ depth: Int, _ partStride: Int) -> Void
  ) {
    // The depth is rounded up, which may leave fewer parts.
    let depth = parts == 1 ? max(1, problem.k) : roundUp(ceilDivide(problem.k, parts), to: 16)
    let parts = max(1, ceilDivide(problem.k, depth))
    let size = problem.m * problem.n
    guard parts > 1 else { return body(problem, depth, 0) }
    var partial = problem
    partial.c = GemmOperand(
      storage: scratch(parts * problem.batch * size), dtype: .float32, outer: problem.inner * size, inner: size,
      row: problem.n, column: 1)
    partial.bias = nil
    partial.activation = .none
    body(partial, depth, problem.batch * size)
    reduce(
      parts: parts, partStride: problem.batch * size, partial.c.storage, m: problem.m, n: problem.n,
      outer: problem.outer, inner: problem.inner, into: problem.c, bias: problem.bias, activation: problem.activation)
  }

  /// `c = activation(sum of the parts, in order, (+ bias))`: the second pass of a product that was cut along k.
  ///
  /// - Parameters:
  ///   - parts: how many, `partStride` elements apart; each is dense Float32 `[outer, inner, m, n]`.
  func reduce(
    parts: Int, partStride: Int, _ source: Storage, m: Int, n: Int, outer: Int, inner: Int, into c: GemmOperand,
    bias: GemmBias?, activation: Activation = .none
  ) {
    let result = GemmProblem(
      m: m, n: n, k: 0, outer: outer, inner: inner, a: c, b: c, c: c, bias: bias, activation: activation)
    launch(
      "gemm_pack.cl", "gemm_reduce", definitions: [wideShape.definition] + resultDefinitions(c, bias),
      global: [roundUp(m * n, to: 64), outer * inner], local: [64, 1],
      [
        .storage(source), .storage(c.storage), .storage(bias?.storage ?? source),
        .longs([m, n, inner, parts, partStride] + c.fields + result.epilogue),
      ])
  }
}
