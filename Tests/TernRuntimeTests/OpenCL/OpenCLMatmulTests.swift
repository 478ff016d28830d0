// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite("OpenCL matmul", .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLMatmulTests {
  private typealias Case = MatmulCase

  private func check(_ test: Case, _ choice: GemmChoice, _ backend: any Backend) throws {
    try GemmChoice.$forced.withValue(choice) { try test.check(backend, "\(choice)") }
  }

  private static let choices: [GemmChoice] = [.wide, .own]

  @Test(arguments: choices) func sizesAroundTheTiles(_ choice: GemmChoice) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for m in [1, 2, 5, 8, 9, 65] {
        for n in [1, 15, 16, 17, 31, 33, 65] {
          for k in [1, 33] { try check(Case(m: m, k: k, n: n, hasBias: (m + n) % 2 == 0), choice, backend) }
        }
      }
    }
  }

  @Test(arguments: choices) func everyLayoutOfEveryOperand(_ choice: GemmChoice) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for a in Layout.allCases {
        for b in Layout.allCases {
          let c = a == .dense ? b : .transposed
          try check(Case(batch: 2, m: 9, k: 18, n: 35, a: a, b: b, c: c, hasBias: true), choice, backend)
          try check(Case(m: 33, k: 17, n: 5, a: a, b: b, c: c), choice, backend)
        }
      }
    }
  }

  @Test(arguments: choices) func batchesAndSharedMatrices(_ choice: GemmChoice) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for layout in [Layout.dense, .transposed, .holes] {
        try check(Case(batch: 3, m: 7, k: 9, n: 33, b: layout, hasBias: true, sharesB: true), choice, backend)
        try check(Case(batch: 5, m: 3, k: 20, n: 18, b: layout), choice, backend)
      }
    }
  }

  @Test(arguments: choices) func deepSumsAreCutAndAddedUp(_ choice: GemmChoice) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      try check(Case(m: 9, k: 600, n: 40, hasBias: true), choice, backend)  // several chunks of depth
      try check(Case(m: 5, k: 5003, n: 20, c: .transposed, hasBias: true), choice, backend)
      try check(Case(batch: 2, m: 4, k: 2500, n: 18, dtype: .bfloat16, b: .transposed, hasBias: true), choice, backend)
      try check(Case(m: 260, k: 300, n: 2048), choice, backend)  // rows that share a set of the cache are packed
    }
  }

  @Test(arguments: choices) func emptySumsGiveTheBias(_ choice: GemmChoice) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for test in [Case(m: 3, k: 0, n: 20, hasBias: true), Case(batch: 2, m: 3, k: 0, n: 5)] {
        try check(test, choice, backend)
      }
      try check(Case(batch: 0, m: 3, k: 2, n: 5), choice, backend)
    }
  }

  @Test(arguments: choices) func halfTypesAreRoundedOnce(_ choice: GemmChoice) throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for dtype in [DType.float16, .bfloat16] {
        try check(
          Case(batch: 2, m: 15, k: 33, n: 17, dtype: dtype, b: .transposed, c: .holes, hasBias: true), choice, backend)
        try check(Case(m: 6, k: 40, n: 33, dtype: dtype, a: .transposed, sharesB: true), choice, backend)
      }
    }
  }

  @Test func integersAreExactAndWrap() throws {
    for backend in OpenCLSupport.devices.map(\.backend) {
      for dtype in [DType.int32, .int64] {
        try check(Case(batch: 2, m: 3, k: 4, n: 5, dtype: dtype, a: .transposed, hasBias: true), .own, backend)
      }
      let factor = backend.view([65536], [1, 1, 1], .int32)
      let product = backend.output([1, 1, 1], .int32)
      backend.matmul(factor, factor, bias: nil, into: product)
      #expect(try backend.values(product) == [0])
    }
  }

  @Test func launchesAreFew() throws {
    for index in OpenCLDevices.shared.found.indices {
      let backend = try OpenCLSupport.privateBackend(index: index)
      for (choice, test, launches) in [
        (GemmChoice.wide, Case(m: 64, k: 400, n: 120, b: .transposed, hasBias: true), 1),
        (.wide, Case(m: 120, k: 64, n: 400, a: .transposed), 1),
        (.wide, Case(m: 400, k: 120, n: 84, b: .transposed), 2),
        (.own, Case(m: 64, k: 400, n: 120, b: .transposed, hasBias: true), 1),
      ] {
        let before = backend.statistics.launches
        try check(test, choice, backend)
        #expect(backend.statistics.launches - before == launches, "\(choice) \(test)")
      }
    }
  }
}
