// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Every tile shape of the products in local memory.
@Suite("OpenCL tiles", .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLTileTests {
  private static let tiles = GemmAlgorithm.allCases.filter { GemmTile.named[$0] != nil }

  private func forced<R>(_ algorithm: GemmAlgorithm, _ body: () throws -> R) rethrows -> R {
    try GemmAlgorithm.$forced.withValue(algorithm, operation: body)
  }

  @Test(arguments: tiles) func shapesThatNoTileDivides(_ algorithm: GemmAlgorithm) throws {
    let tile = GemmTile.named[algorithm]!
    for backend in OpenCLSupport.devices.map(\.backend) {
      for test in [
        MatmulCase(m: tile.m + 1, k: 33, n: tile.n - 1, b: .offset, hasBias: true),
        MatmulCase(m: 1, k: 1, n: 1, b: .offset), MatmulCase(m: tile.m - 1, k: 16, n: tile.n + 3, b: .offset),
      ] {
        try forced(algorithm) { try test.check(backend, "\(algorithm)") }
      }
    }
  }

  /// Sizes and strides that quads divide, so that 16 bytes are read and written at once.
  @Test func quadsOfEveryLayout() throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for a in [Layout.dense, .transposed] {
        for b in [Layout.dense, .transposed] {
          let test = MatmulCase(batch: 2, m: 36, k: 20, n: 44, a: a, b: b, c: .dense, hasBias: true)
          try forced(.tiled32x32) { try test.check(backend, "quads") }
        }
      }
      let halves = MatmulCase(m: 36, k: 20, n: 44, dtype: .bfloat16, b: .transposed, c: .dense)
      try forced(.tiled32x32) { try halves.check(backend, "quads") }
    }
  }

  @Test func resultsByColumns() throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      let test = MatmulCase(batch: 2, m: 40, k: 12, n: 37, c: .transposed, hasBias: true, activation: .relu)
      try forced(.tiled32x32) { try test.check(backend, "columns") }
    }
  }

  @Test func tileShapeNeverChangesABit() throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      let test = MatmulCase(m: 130, k: 600, n: 33, b: .offset, hasBias: true)
      let results = try [GemmAlgorithm.tiled32x32, .tiled128x128, .tiled128x32].map { algorithm in
        try forced(algorithm) { try test.run(backend).values }
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }

  @Test func everyCandidateIsValid() throws {
    for device in OpenCLSupport.devices {
      let backend = OpenCLSupport.backend(device)
      let x = backend.view([Double](repeating: 1, count: 64), [8, 8])
      let operand = GemmOperand(storage: x.storage, dtype: .float32, row: 8, column: 1)
      let c = GemmOperand(storage: backend.scratch(64), dtype: .float32, row: 8, column: 1)
      let problem = GemmProblem(m: 8, n: 8, k: 8, a: operand, b: operand, c: c)
      let candidates = GemmAlgorithm.candidates(for: problem, on: backend)
      #expect(Set(candidates).count == candidates.count)
      #expect(candidates.first?.family == (backend.isCPUDevice ? .wide : .own))
      for algorithm in candidates where algorithm != .clblast {
        backend.gemm(problem, by: algorithm)
        #expect(try backend.values(StridedView(c.storage, .float32, shape: [64])).allSatisfy { $0 == 8 })
      }
    }
  }

  @Test func largeProductsTakeLargeTiles() {
    func best(_ m: Int, _ n: Int, _ k: Int) -> GemmAlgorithm {
      GemmTile.named.filter { $0.key != .tiled128x256 }
        .min { a, b in
          (a.value.cost(m: m, n: n, batch: 1, computeUnits: 132), a.key.rawValue)
            < (b.value.cost(m: m, n: n, batch: 1, computeUnits: 132), b.key.rawValue)
        }!.key
    }
    #expect(best(4096, 4096, 4096) == .tiled128x128)
    #expect(best(1 << 16, 32, 1024) == .tiled128x32)
    #expect(best(32, 1 << 16, 1024) == .tiled32x128)
    #expect(best(64, 64, 64) == .tiled32x32)
  }
}
