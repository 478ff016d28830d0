// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

/// Reductions of pointwise programs whose results are not stored.
@Suite struct FusedReductionTests {
  /// (a - b)² · s
  static func weightedSquares(_ a: DType, _ b: DType) -> PointwiseProgram {
    PointwiseProgram(
      inputs: [a, b], scalars: [.real(0.25)],
      instructions: [.init(.subtract, 0, 1), .init(.multiply, 3, 3), .init(.multiply, 4, 2)],
      outputs: [.init(register: 5, dtype: .float32)])
  }

  private static func reduced(
    _ backend: any Backend, _ kind: Reduction, _ geometry: ReductionGeometry, _ program: PointwiseProgram,
    _ inputs: [StridedView], isStored: Bool, into dtype: DType
  ) throws -> [Double] {
    let y = backend.output(geometry.outputShape, dtype)
    if isStored {
      let stored = backend.output(geometry.inputShape, program.outputs[0].dtype)
      backend.pointwise(program, [PointwiseOperands(inputs: inputs, outputs: [stored])])
      backend.reduce(kind, geometry, stored, into: y)
    } else {
      #expect(backend.reduce(kind, geometry, of: program, inputs, into: y), "\(kind) of \(geometry) was not fused")
    }
    return try backend.values(y)
  }

  // MARK: OpenCL

  /// As on a CPU and as on a GPU, everything compiled.
  static let compiling: [OpenCLBackend] = OpenCLSupport.devices.indices.flatMap { index in
    [true, false].map {
      try! OpenCLSupport.privateBackend(options: OpenCLOptions(treatAsCPU: $0, pointwiseTier: 1), index: index)
    }
  }

  /// Rows and columns, in one part and in several.
  static let geometries: [([Int], [Int])] = [
    ([7, 1001], [1]), ([33], [0]), ([70_001], [0]), ([300, 45], [0]), ([5, 33, 31], [0, 2]), ([1, 20], [0]),
  ]

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped), arguments: geometries)
  func fusedSumsAreThoseOfStoredResults(_ shape: [Int], _ axes: [Int]) throws {
    let geometry = ReductionGeometry("test", shape, axes: axes)
    let a = testNumbers(elementCount(shape), -2...2)
    let b = 0.75
    let expected = DeviceReductionTests.groups(a.map { Double(Float($0)) }, geometry)
      .map { group in group.reduce(0) { $0 + ($1 - b) * ($1 - b) / 4 } }
    for backend in Self.compiling {
      let repeated = backend.view([b], [1], .float16, .offset)
      let inputs = [
        backend.view(a, shape, .float32, .offset),
        repeated.viewed(shape: shape, strides: shape.map { _ in 0 }),
      ]
      let program = Self.weightedSquares(.float32, .float16)
      let fused = try Self.reduced(backend, .sum, geometry, program, inputs, isStored: false, into: .float32)
      let stored = try Self.reduced(backend, .sum, geometry, program, inputs, isStored: true, into: .float32)
      #expect(fused == stored)
      expectClose(fused, expected, relative: 1e-6, absolute: 1e-6, "sum over \(axes) of \(shape)")
    }
  }

  @Test(
    .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped), arguments: [([3, 2100], [1]), ([210, 30], [0])])
  func countsAndLogarithmsFuseToo(_ shape: [Int], _ axes: [Int]) throws {
    let geometry = ReductionGeometry("test", shape, axes: axes)
    let values = testNumbers(elementCount(shape), -9...9).map { $0.rounded() }
    let groups = DeviceReductionTests.groups(values, geometry)
    let isAbove = PointwiseProgram(
      inputs: [.int32], scalars: [.integer(2)], instructions: [.init(.integerLess, 1, 0)],
      outputs: [.init(register: 2, dtype: .bool)])
    let halved = PointwiseProgram(
      inputs: [.float32], scalars: [.real(0.5)], instructions: [.init(.multiply, 0, 1)],
      outputs: [.init(register: 2, dtype: .float32)])
    for backend in Self.compiling {
      let counts = try Self.reduced(
        backend, .sum, geometry, isAbove, [backend.view(values, shape, .int32)], isStored: false, into: .int64)
      #expect(counts == groups.map { group in Double(group.count { $0 > 2 }) })
      let logarithms = try Self.reduced(
        backend, .logSumExp, geometry, halved, [backend.view(values, shape)], isStored: false, into: .float32)
      expectClose(
        logarithms, groups.map { DeviceReductionTests.reference(.logSumExp, $0.map { $0 / 2 }) }, relative: 1e-6)
    }
  }

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped)) func whatCannotBeFusedIsLeftAlone() throws {
    let backend = Self.compiling[0]
    let geometry = ReductionGeometry("test", [4, 6], axes: [1])
    let x = backend.view(testNumbers(24), [4, 6])
    let y = backend.output([4])
    let half = PointwiseProgram.copy(from: .float32, to: .float16)  // storing rounds
    #expect(!backend.reduce(.sum, geometry, of: half, [x], into: y))
    let program = PointwiseProgram.copy(from: .float32, to: .float32)
    let column = x.viewed(shape: [4, 6], strides: [6, 0])
    #expect(!backend.reduce(.sum, geometry, of: program, [column], into: y))
    #expect(try backend.values(y) == [-77, -77, -77, -77])
  }

  // MARK: CPU

  /// Large enough for slabs; the first axes spelled out, cut, reduced or kept.
  static let large: [([Int], [Int])] = [
    ([300_001], [0]), ([513, 520], [0]), ([513, 520], [1]), ([520, 513], [0, 1]), ([3, 90_000], [1]),
    ([3, 90_000], [0]), ([2, 3, 70, 700], [0, 2]), ([2, 3, 70, 700], [1, 3]), ([5, 1, 66_000], [0, 1]),
    ([4, 70_000], [0, 1]),
  ]

  @Test(arguments: large) func slabsOfTheCPUJoinToTheWhole(_ shape: [Int], _ axes: [Int]) throws {
    let backend = try #require(Device.cpu.backend as? CPUBackend)
    let geometry = ReductionGeometry("test", shape, axes: axes)
    let a = testNumbers(elementCount(shape), 0.5...1.5)
    let row = testNumbers(shape.last!, seed: 5, -1...1)
    let results = a.indices.map { index -> Double in
      let difference = Double(Float(a[index])) - Double(Float(row[index % row.count]))
      return difference * difference / 4
    }
    let groups = DeviceReductionTests.groups(results, geometry)
    let inputs = [
      backend.view(a, shape, .float32, .flipped),
      backend.view(row, [row.count])
        .viewed(shape: shape, strides: shape.indices.map { $0 == shape.count - 1 ? 1 : 0 }),
    ]
    for kind in Reduction.allCases where kind != .product {
      let y = backend.output(geometry.outputShape)
      backend.reduceInSlabs(kind, geometry, of: Self.weightedSquares(.float32, .float32), inputs, into: y)
      expectClose(
        try backend.values(y), groups.map { DeviceReductionTests.reference(kind, $0) }, relative: 1e-6,
        "\(kind) of \(shape)")
    }
  }

  @Test func onlyLargeReductionsOfTheCPUAreFused() throws {
    let backend = Device.cpu.backend
    let geometry = ReductionGeometry("test", [100, 100], axes: [0])
    let x = backend.view(testNumbers(10_000), [100, 100])
    let program = PointwiseProgram.copy(from: .float32, to: .float32)
    #expect(!backend.reduce(.sum, geometry, of: program, [x], into: backend.output([100])))
    // One number, four million times.
    let large = ReductionGeometry("test", [1 << 22], axes: [0])
    let y = backend.output([])
    let repeated = x.viewed(shape: [1 << 22], strides: [0])
    #expect(backend.reduce(.mean, large, of: program, [repeated], into: y))
    expectClose(try backend.values(y), [testNumbers(1)[0]], relative: 1e-6)
  }
}
