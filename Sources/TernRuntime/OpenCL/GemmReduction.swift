// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// The kernels' definitions for the result's and the bias' dtype; those of the most usual case are no definitions, so
  /// that it is one program.
  func resultDefinitions(_ c: GemmOperand, _ bias: GemmBias?) -> [String] {
    (c.dtype == .float32 ? [] : ["RESULT=\(c.dtype)"])
      + (bias.map { $0.dtype == c.dtype ? [] : ["BIAS=\($0.dtype)"] } ?? [])
  }

  /// `c = sum of the parts, in order, (+ bias)`: the second pass of a product that was cut along k.
  ///
  /// - Parameters:
  ///   - parts: how many, `partStride` elements apart; each is dense Float32 `[outer, inner, m, n]`.
  func reduce(
    parts: Int, partStride: Int, _ source: Storage, m: Int, n: Int, outer: Int, inner: Int, into c: GemmOperand,
    bias: GemmBias?
  ) {
    launch(
      "gemm_pack.cl", "gemm_reduce", definitions: [wideShape.definition] + resultDefinitions(c, bias),
      global: [roundUp(m * n, to: 64), outer * inner], local: [64, 1],
      [
        .storage(source), .storage(c.storage), .storage(bias?.storage ?? source),
        .longs([
          m, n, inner, parts, partStride, c.offset, c.outer, c.inner, c.row, c.column,
          bias?.offset ?? 0, bias?.inner ?? 0, bias?.row ?? 0, bias?.column ?? 0, bias == nil ? 0 : 1,
        ]),
      ])
  }
}
