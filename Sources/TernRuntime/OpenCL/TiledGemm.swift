// SPDX-License-Identifier: MIT

/// A tile shape of `gemm_tiled`: work-groups of `group` × `group`, each work-item `4 * registers` squared.
struct TiledShape {
  let group, registers: Int
  var tile: Int { 4 * registers * group }

  static let large = TiledShape(group: 16, registers: 2)
  static let medium = TiledShape(group: 16, registers: 1)
  static let small = TiledShape(group: 8, registers: 1)

  /// The largest tile of which there are enough to occupy a GPU; the smallest for devices with small work-groups.
  static func choice(m: Int, n: Int, batch: Int, maxWorkGroupSize: Int, localMemoryBytes: Int) -> TiledShape {
    [large, medium].first { shape in
      maxWorkGroupSize >= shape.group * shape.group && localMemoryBytes >= shape.localMemoryBytes
        && ceilDivide(m, shape.tile) * ceilDivide(n, shape.tile) * batch >= 128
    } ?? small
  }

  /// Two buffers for each operand, 16 deep, with 4 floats of padding a line.
  private var localMemoryBytes: Int { 4 * 16 * (tile + 4) * MemoryLayout<Float>.size }
}

extension OpenCLBackend {
  func tiledGemm(_ problem: GemmProblem) {
    let parts = Self.tiledParts(m: problem.m, n: problem.n, k: problem.k, batch: problem.batch)
    let depth = parts == 1 ? problem.k : roundUp(ceilDivide(problem.k, parts), to: 16)
    let shape = TiledShape.choice(
      m: problem.m, n: problem.n, batch: problem.batch * parts, maxWorkGroupSize: maxWorkGroupSize,
      localMemoryBytes: localMemoryBytes)
    let size = problem.m * problem.n
    let result = problem.c
    let (a, b) = (problem.a, problem.b)
    let c =
      parts == 1
      ? result
      : GemmOperand(
        storage: scratch(parts * problem.batch * size), dtype: .float32, outer: problem.inner * size, inner: size,
        row: problem.n, column: 1)
    let bias = parts == 1 ? problem.bias : nil
    var definitions = ["GROUP=\(shape.group)", "REGISTERS=\(shape.registers)"]
    if a.dtype != .float32 { definitions.append("LEFT=\(a.dtype)") }
    if b.dtype != .float32 { definitions.append("RIGHT=\(b.dtype)") }
    launch(
      "gemm_tiled.cl", "gemm_tiled", definitions: definitions + resultDefinitions(c, bias),
      global: [
        ceilDivide(problem.n, shape.tile) * shape.group, ceilDivide(problem.m, shape.tile) * shape.group,
        problem.batch * parts,
      ],
      local: [shape.group, shape.group, 1],
      [
        .storage(a.storage), .storage(b.storage), .storage(c.storage), .storage(bias?.storage ?? c.storage),
        .longs([
          problem.m, problem.n, problem.k, parts, depth, problem.batch * size, problem.inner,
          a.offset, a.outer, a.inner, a.row, a.column,
          b.offset, b.outer, b.inner, b.column, b.row,
          c.offset, c.outer, c.inner, c.row, c.column,
          bias?.offset ?? 0, bias?.inner ?? 0, bias?.row ?? 0, bias?.column ?? 0, bias == nil ? 0 : 1,
        ]),
      ])
    if parts > 1 {
      reduce(
        parts: parts, partStride: problem.batch * size, c.storage, m: problem.m, n: problem.n, outer: problem.outer,
        inner: problem.inner, into: result, bias: problem.bias)
    }
  }

  /// Parts of k that are summed apart, where even small tiles are too few for a GPU; by the shape only.
  private static func tiledParts(m: Int, n: Int, k: Int, batch: Int) -> Int {
    let tiles = ceilDivide(m, TiledShape.small.tile) * ceilDivide(n, TiledShape.small.tile) * batch
    guard tiles < 64, k >= 1024 else { return 1 }
    return min(32, k / 512, 256 / tiles)
  }
}
