// SPDX-License-Identifier: MIT

/// The shape of a work-group's tile: `warpsM` × `warpsN` warps of 4 × 8 work-items with `rows` × `columns` elements
/// each.
struct GemmTile: Sendable {
  let warpsM, warpsN, rows, columns: Int
  var depth = 16
  var kernel = "gemm_tiled"
  /// The share of the multiply-add rate that the shape can reach when it fills the device: what it reads of local
  /// memory and what else a step costs, against its multiply-adds. An estimate, not a measurement; the tuner measures.
  let efficiency: Double

  var m: Int { warpsM * 4 * rows }
  var n: Int { warpsN * 8 * columns }
  var group: Int { 32 * warpsM * warpsN }
  var source: String { kernel + ".cl" }
  /// Two buffers for each operand, with 4 floats of padding a line.
  var localMemoryBytes: Int { 2 * depth * (m + n + 8) * MemoryLayout<Float>.size }

  var definitions: [String] {
    ["WARPS_M=\(warpsM)", "WARPS_N=\(warpsN)", "ROWS=\(rows)", "COLUMNS=\(columns)"]
      + (depth == 16 ? [] : ["DEPTH=\(depth)"])
  }

  /// Registers as ptxas counts them for sm_90, with 16-byte loads: 128 for 128 x 128 at depth 8, so that two groups
  /// share a multiprocessor, 167 at depth 16, 255 for 128 x 256 (one group each); none spills.
  static let named: [GemmAlgorithm: GemmTile] = [
    .tiled128x256: GemmTile(warpsM: 4, warpsN: 2, rows: 8, columns: 16, depth: 8, efficiency: 1),
    .tiled128x128x16: GemmTile(warpsM: 4, warpsN: 2, rows: 8, columns: 8, efficiency: 0.95),
    .tiled128x128: GemmTile(warpsM: 4, warpsN: 2, rows: 8, columns: 8, depth: 8, efficiency: 1),
    .tiled128x64: GemmTile(warpsM: 4, warpsN: 1, rows: 8, columns: 8, depth: 8, efficiency: 0.9),
    .tiled64x128: GemmTile(warpsM: 2, warpsN: 2, rows: 8, columns: 8, depth: 8, efficiency: 0.9),
    .tiled64x64: GemmTile(warpsM: 2, warpsN: 2, rows: 8, columns: 4, efficiency: 0.75),
    .tiled128x32: GemmTile(warpsM: 4, warpsN: 1, rows: 8, columns: 4, efficiency: 0.7),
    .tiled32x128: GemmTile(warpsM: 2, warpsN: 2, rows: 4, columns: 8, efficiency: 0.7),
    .tiled32x32: GemmTile(warpsM: 2, warpsN: 1, rows: 4, columns: 4, efficiency: 0.5),
  ]

  /// The one of `gemm_tensor`, whose warps divide it in their own way.
  static let tensor = GemmTile(
    warpsM: 4, warpsN: 2, rows: 8, columns: 8, depth: 8, kernel: "gemm_tensor", efficiency: 1)

  private func fits(_ backend: OpenCLBackend) -> Bool {
    backend.maxWorkGroupSize >= group && backend.localMemoryBytes >= localMemoryBytes
  }

  /// An estimate of the time for a product, in multiply-adds of one multiprocessor: whole rounds of work-groups over
  /// the device, two for each multiprocessor at one time, so that one computes while the other waits.
  func cost(m: Int, n: Int, batch: Int, computeUnits: Int) -> Double {
    let groups = ceilDivide(m, self.m) * ceilDivide(n, self.n) * batch
    let rounds: Double = groups <= computeUnits ? 1 : Double(ceilDivide(groups, 2 * computeUnits)) * 2
    return rounds * Double(self.m * self.n) / efficiency
  }

  /// The shapes that fit the device, the default first.
  static func candidates(for problem: GemmProblem, on backend: OpenCLBackend) -> [GemmAlgorithm] {
    let fitting = GemmAlgorithm.allCases.filter { named[$0]?.fits(backend) ?? false }
    guard backend.info.isGPU else {
      // A driver for CPUs gains nothing from a tile and compiles each shape for seconds: one small shape.
      return fitting.reversed()
    }
    let batch = problem.batch * parts(problem)
    // 128 x 256 keeps 128 sums in registers, which only some devices hold: for the tuner to find out.
    func cost(_ algorithm: GemmAlgorithm) -> Double {
      let estimate = named[algorithm]!.cost(
        m: problem.m, n: problem.n, batch: batch, computeUnits: backend.computeUnits)
      return algorithm == .tiled128x256 ? .infinity : estimate
    }
    return fitting.enumerated().sorted { (cost($0.element), $0.offset) < (cost($1.element), $1.offset) }.map(\.element)
  }

  static func choice(for problem: GemmProblem, on backend: OpenCLBackend) -> GemmTile {
    named[candidates(for: problem, on: backend)[0]]!
  }

  /// Parts of k that are summed apart, where tiles are too few for a GPU. By the shape only, since it decides how sums
  /// are rounded: so every tile shape gives the same bits.
  static func parts(_ problem: GemmProblem) -> Int {
    let tiles = ceilDivide(problem.m, 64) * ceilDivide(problem.n, 64) * problem.batch
    guard tiles < 128, problem.k >= 512 else { return 1 }
    return max(1, min(64, problem.k / 256, 256 / tiles))
  }
}
