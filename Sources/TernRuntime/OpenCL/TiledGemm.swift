// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// Multiplies with `gemm_tiled`, or with `gemm_tensor` if a tensor algorithm is named.
  func tiledGemm(_ original: GemmProblem, _ tile: GemmTile, _ algorithm: GemmAlgorithm? = nil) {
    // The kernels store rows of neighbouring elements.
    let problem = original.c.column != 1 && original.c.row == 1 ? original.transposed : original
    inParts(problem, GemmTile.parts(problem)) { problem, depth, partStride in
      let tilesM = ceilDivide(problem.m, tile.m), tilesN = ceilDivide(problem.n, tile.n)
      let parts = max(1, ceilDivide(problem.k, depth))
      launch(
        tile.source, tile.kernel, definitions: tileDefinitions(problem, tile, algorithm),
        global: [tilesM * tilesN * problem.batch * parts * tile.group], local: [tile.group],
        problem.storages
          + [
            .longs(
              [problem.m, problem.n, problem.k, problem.inner, parts, depth, partStride, tilesM, tilesN]
                + problem.a.fields + problem.b.fields + problem.c.fields + problem.epilogue)
          ])
    }
  }

  /// The definitions of `gemm_tile.cl` and of the kernel that includes it.
  func tileDefinitions(_ problem: GemmProblem, _ tile: GemmTile, _ algorithm: GemmAlgorithm?) -> [String] {
    let left = TileLoad(problem.a, width: problem.m, depth: problem.k)
    let right = TileLoad(problem.b.transposed, width: problem.n, depth: problem.k)
    let c = problem.c
    let span = left.span(width: tile.m, depth: tile.depth) + right.span(width: tile.n, depth: tile.depth)
    var definitions = left.definitions("LEFT") + right.definitions("RIGHT")
    switch algorithm {
    case .tensorTF32?, .tensor3xTF32?:
      definitions += ["SPLIT=\(algorithm == .tensor3xTF32 ? 1 : 0)", "DEPTH=\(tile.depth)"]
      if !info.isNVIDIA { definitions.append("EMULATED=1") }
    default:
      definitions += tile.definitions + (info.isGPU ? ["UNROLLED=1"] : [])
      let stores = [c.offset, c.outer, c.inner, c.row, problem.n]
      if c.column == 1 && stores.allSatisfy({ $0 % 4 == 0 }) { definitions.append("RESULT_LANES=4") }
    }
    if span >= 1 << 31 { definitions.append("OFFSET=long") }
    return definitions + problem.activation.definitions + dtypeDefinition("LEFT", problem.a.dtype)
      + dtypeDefinition("RIGHT", problem.b.dtype)
      + resultDefinitions(c, problem.bias)
  }
}

/// How a work-group loads tiles of an operand, of which `row` is the stride across k and `column` the one along it.
private struct TileLoad {
  /// Whether neighbouring work-items read along k.
  let along: Bool
  /// Elements that a work-item reads at once.
  let lanes: Int
  private let operand: GemmOperand

  init(_ operand: GemmOperand, width: Int, depth: Int) {
    self.operand = operand
    along = abs(operand.column) < abs(operand.row) || (operand.column == operand.row && width == 1)
    let (step, line, extent) = along ? (operand.column, operand.row, depth) : (operand.row, operand.column, width)
    // Quads must be whole and aligned wherever a tile or a part of k begins.
    lanes =
      step == 1 && [line, extent, operand.offset, operand.outer, operand.inner].allSatisfy { $0 % 4 == 0 } ? 4 : 1
  }

  func definitions(_ name: String) -> [String] {
    ["\(name)_ALONG=\(along ? 1 : 0)"] + (lanes == 1 ? [] : ["\(name)_LANES=\(lanes)"])
  }

  /// Elements between the first and the last of a tile.
  func span(width: Int, depth: Int) -> Int { width * abs(operand.row) + depth * abs(operand.column) }
}
