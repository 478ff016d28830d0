// SPDX-License-Identifier: MIT
import CTernCPU
import Foundation
import Testing

@testable import TernRuntime

@Suite struct CPUPointwiseTests {
  static let specials: [Float] = [
    0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNormalMagnitude,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0.5, -2.5, 88.7, -103.9, 1e-8, -1e-8, 3e5,
  ]

  /// Bound in ulp and the definition in Double.
  typealias Unary = (op: PointwiseOp, bound: Double, definition: @Sendable (Double) -> Double)
  static let unary: [Unary] = [
    (.negate, 0, { -$0 }), (.abs, 0, { Swift.abs($0) }), (.square, 0.5, { $0 * $0 }),
    (.squareRoot, 0.5, { $0.squareRoot() }),
    (.sign, 0, { $0.isNaN ? $0 : ($0 > 0 ? 1 : ($0 < 0 ? -1 : 0)) }),
    (.reciprocalSquareRoot, 1.5, { 1 / $0.squareRoot() }), (.reciprocal, 0.5, { 1 / $0 }),
    (.exp, 2, Foundation.exp), (.expMinusOne, 2, Foundation.expm1), (.log, 1, Foundation.log),
    (.logOnePlus, 1, Foundation.log1p), (.sin, 2, { Swift.abs($0) < 0x1p22 ? Foundation.sin($0) : .nan }),
    (.cos, 2, { Swift.abs($0) < 0x1p22 ? Foundation.cos($0) : .nan }),
    (.tanh, 3, Foundation.tanh),
    (.sigmoid, 3, { $0 < 0 ? Foundation.exp($0) / (1 + Foundation.exp($0)) : 1 / (1 + Foundation.exp(-$0)) }),
    (.erf, 2, Foundation.erf), (.atan, 3, Foundation.atan), (.relu, 0, { $0.isNaN ? $0 : max($0, 0) }),
    (.floor, 0, { $0.rounded(.down) }),
    (.ceil, 0, { $0.rounded(.up) }), (.round, 0, { $0.rounded(.toNearestOrEven) }),
    (.truncate, 0, { $0.rounded(.towardZero) }),
  ]

  typealias Binary = (op: PointwiseOp, bound: Double, definition: @Sendable (Double, Double) -> Double)
  static let binary: [Binary] = [
    (.add, 0.5, { $0 + $1 }), (.subtract, 0.5, { $0 - $1 }), (.multiply, 0.5, { $0 * $1 }), (.divide, 0.5, { $0 / $1 }),
    (.power, 3, { Foundation.pow($0, $1) }), (.max, 0, { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }),
    (.min, 0, { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }), (.less, 0, { $0 < $1 ? 1 : 0 }),
    (.lessOrEqual, 0, { $0 <= $1 ? 1 : 0 }), (.equal, 0, { $0 == $1 ? 1 : 0 }), (.notEqual, 0, { $0 != $1 ? 1 : 0 }),
  ]

  static func inputs(_ count: Int) -> ([Float], [Float]) {
    var random = SplitMix(state: 7)
    var a: [Float] = []
    var b: [Float] = []
    for x in specials {
      for y in specials {
        a.append(x)
        b.append(y)
      }
    }
    for index in 0..<count {
      let range: ClosedRange<Float> = [-1...1, -12...12, -104...89, -1e5...1e5][index % 4]
      a.append(.random(in: range, using: &random))
      b.append(index % 3 == 0 ? Float(Int.random(in: -9...9, using: &random)) : .random(in: -20...20, using: &random))
    }
    return (a, b)
  }

  func run(_ cpu: CPUBackend, _ op: PointwiseOp, _ inputs: [StridedView], _ output: StridedView) {
    let padded = Array(0..<inputs.count) + [0, 0]
    let program = PointwiseProgram(
      inputs: inputs.map(\.dtype),
      instructions: [.init(op, padded[0], inputs.count > 1 ? 1 : 0, inputs.count > 2 ? 2 : 0)],
      outputs: [.init(register: inputs.count, dtype: output.dtype)])
    cpu.pointwise(program, [PointwiseOperands(inputs: inputs, outputs: [output])])
  }

  @Test(arguments: everyCPU) func unaryRealOperations(_ cpu: CPUBackend) {
    let (a, _) = Self.inputs(2000)
    let x = cpu.view(a)
    for (op, bound, definition) in Self.unary {
      let y = cpu.scratch([a.count])
      run(cpu, op, [x], y)
      let got = cpu.floats(y)
      let worst = zip(a, got).map { ($0, $1, ulps($1, definition(Double($0)))) }.max { $0.2 < $1.2 }!
      #expect(worst.2 <= bound, "\(op.name)(\(worst.0)) = \(worst.1), expected \(definition(Double(worst.0)))")
    }
  }

  @Test(arguments: everyCPU) func binaryRealOperations(_ cpu: CPUBackend) {
    let (a, b) = Self.inputs(2000)
    let x = cpu.view(a)
    let y = cpu.view(b)
    for (op, bound, definition) in Self.binary {
      let z = cpu.scratch([a.count], op.resultClass == .real ? .float32 : .bool)
      run(cpu, op, [x, y], z)
      let got = cpu.floats(z)
      let worst = a.indices.map { ($0, ulps(got[$0], definition(Double(a[$0]), Double(b[$0])))) }.max { $0.1 < $1.1 }!
      #expect(worst.1 <= bound, "\(op.name)(\(a[worst.0]), \(b[worst.0])) = \(got[worst.0])")
    }
  }

  @Test(arguments: everyCPU) func testsAndSelections(_ cpu: CPUBackend) {
    let x = cpu.view(Self.specials)
    let flags = cpu.scratch([Self.specials.count], .bool)
    for (op, definition) in [
      (PointwiseOp.isNaN, { (x: Float) in x.isNaN }), (.isFinite, \.isFinite), (.realToBool, { $0 != 0 }),
    ] {
      run(cpu, op, [x], flags)
      #expect(cpu.integers(flags) == Self.specials.map { definition($0) ? 1 : 0 }, "\(op.name)")
    }
    let chosen = cpu.scratch([Self.specials.count])
    let other = cpu.view(Self.specials.map { _ in Float(7) })
    run(cpu, .isNaN, [x], flags)
    run(cpu, .select, [flags, other, x], chosen)
    #expect(cpu.floats(chosen) == Self.specials.map { $0.isNaN ? 7 : $0 })
    let product = cpu.scratch([2])
    run(cpu, .multiplyAdd, [cpu.view([3, -2]), cpu.view([5, 4]), cpu.view([1, 0.5])], product)
    #expect(cpu.floats(product) == [16, -7.5])
  }

  @Test(arguments: everyCPU) func integerOperationsWrap(_ cpu: CPUBackend) {
    let values: [Int64] = [0, 1, -1, 2, 7, -7, 1 << 31, -(1 << 31) - 1, .max, .min, .min + 1, 12_345_678_901]
    let a = values.flatMap { x in values.map { _ in x } }
    let b = values.flatMap { _ in values }
    let x = cpu.view(a, .int64)
    let y = cpu.view(b, .int64)
    func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
      if b == 0 { return 0 }
      if b == -1 { return 0 &- a }
      return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0)
    }
    let table: [(PointwiseOp, (Int64, Int64) -> Int64)] = [
      (.integerAdd, { $0 &+ $1 }), (.integerSubtract, { $0 &- $1 }), (.integerMultiply, { $0 &* $1 }),
      (.integerFloorDivide, floorDivide), (.integerMax, { max($0, $1) }), (.integerMin, { min($0, $1) }),
      (.integerLess, { $0 < $1 ? 1 : 0 }), (.integerLessOrEqual, { $0 <= $1 ? 1 : 0 }),
      (.integerEqual, { $0 == $1 ? 1 : 0 }), (.integerNotEqual, { $0 != $1 ? 1 : 0 }),
      (.and, { $0 & $1 }), (.or, { $0 | $1 }), (.xor, { $0 ^ $1 }),
    ]
    let z = cpu.scratch([a.count], .int64)
    for (op, definition) in table {
      run(cpu, op, [x, y], z)
      #expect(cpu.read(z) == zip(a, b).map(definition), "\(op.name)")
    }
    for (op, definition) in [
      (PointwiseOp.integerNegate, { (x: Int64) in 0 &- x }), (.integerAbs, { $0 < 0 ? 0 &- $0 : $0 }),
      (.not, { $0 == 0 ? 1 : 0 }), (.wrapToInt32, { Int64(Int32(truncatingIfNeeded: $0)) }),
    ] {
      run(cpu, op, [x], z)
      #expect(cpu.read(z) == a.map(definition), "\(op.name)")
    }
    run(cpu, .integerSelect, [cpu.view(b, .int64), x, y], z)
    #expect(cpu.read(z) == zip(a, b).map { $1 != 0 ? $0 : $1 })
    let real = cpu.scratch([a.count])
    run(cpu, .integerToReal, [x], real)
    #expect(cpu.floats(real) == a.map { Float($0) })
    let saturating: [Float] = [.nan, 1e30, -1e30, -2.7, 2.7, -0.0, 9.2e18, 3e9]
    let whole = cpu.scratch([saturating.count], .int64)
    run(cpu, .realToInteger, [cpu.view(saturating)], whole)
    #expect(cpu.read(whole) == [0, Int64.max, .min, -2, 2, 0, Int64(Float(9.2e18)), 3_000_000_000])
  }

  @Test(arguments: everyCPU) func halfTypesRoundToNearestEven(_ cpu: CPUBackend) {
    let x: [Float] = [
      0, -0.0, 1, 1 + 0x1p-11, 1 + 0x3p-11, 65519, 65520, -1e9, 0x1p-24, 0x1p-25, 0x1.8p-25, 6.1e-5, .infinity, 3.14159,
      -2.71828, 0x1p-14,
    ]
    for dtype in [DType.float16, .bfloat16] {
      let stored = cpu.scratch([x.count], dtype)
      let back = cpu.scratch([x.count])
      let rounded = cpu.scratch([x.count])
      cpu.convert(cpu.view(x), into: stored)
      cpu.convert(stored, into: back)
      run(cpu, dtype == .float16 ? .roundToHalf : .roundToBFloat16, [cpu.view(x)], rounded)
      let (digits, lowest, highest): (Int, Double, Double) =
        dtype == .float16 ? (11, 0x1p-24, 65504) : (8, 0x1p-133, Double(Float(bitPattern: 0x7f7f_0000)))
      let want = x.map { value -> Float in
        if value == 0 || value.isInfinite { return value }
        let unit = max(lowest, Double(sign: .plus, exponent: Int(value.exponent) - digits + 1, significand: 1))
        let result = (Double(value) / unit).rounded(.toNearestOrEven) * unit
        return Swift.abs(result) > highest
          ? Float(sign: value.sign, exponent: 0, significand: 1) * .infinity : Float(result)
      }
      #expect(cpu.floats(stored) == want, "\(dtype)")
      #expect(cpu.floats(back) == want, "\(dtype)")
      #expect(cpu.floats(rounded) == want, "\(dtype)")
    }
    let stored = cpu.scratch([1], .float16)
    cpu.convert(cpu.view([.nan]), into: stored)
    #expect(cpu.floats(stored)[0].isNaN)
  }

  /// Views that read `[3, 5, 67]` in other orders, directions and with repetitions.
  static let geometries: [(name: String, shape: [Int], strides: [Int], offset: Int)] = [
    ("dense", [3, 5, 67], [335, 67, 1], 0), ("transposed", [67, 5, 3], [1, 67, 335], 0),
    ("tall transpose", [67, 15], [1, 67], 0), ("middle", [5, 3, 67], [67, 335, 1], 0),
    ("steps", [3, 3, 22], [335, 134, 3], 1), ("flipped", [3, 5, 67], [335, 67, -1], 66),
    ("row", [4, 15, 67], [0, 67, 1], 0), ("column", [15, 31], [67, 0], 5), ("constant", [33, 65], [0, 0], 9),
    ("scalar", [], [], 12), ("empty", [0, 4], [4, 1], 0), ("ones", [1, 1, 1], [9, 9, 9], 3),
  ]

  @Test(arguments: everyCPU) func anyGeometryIsReadAndWritten(_ cpu: CPUBackend) {
    let source = (0..<1005).map { Float($0) }
    for dtype in [DType.float32, .float16, .int32, .int64, .bool] {
      let x = cpu.scratch([1005], dtype)
      cpu.pointwise(
        .copy(from: .float32, to: dtype), [PointwiseOperands(inputs: [cpu.view(source)], outputs: [x])])
      for geometry in Self.geometries {
        let view = StridedView(
          x.storage, dtype, shape: geometry.shape, strides: geometry.strides, offset: geometry.offset)
        let copy = cpu.scratch(geometry.shape, .float32)
        cpu.convert(view, into: copy)
        #expect(cpu.floats(copy) == cpu.floats(view), "\(geometry.name) \(dtype)")
        if geometry.strides.contains(0) { continue }
        let target = cpu.scratch([1005], dtype)
        let scattered = StridedView(
          target.storage, dtype, shape: geometry.shape, strides: geometry.strides, offset: geometry.offset)
        cpu.convert(copy, into: scattered)
        #expect(cpu.floats(scattered) == cpu.floats(view), "into \(geometry.name) \(dtype)")
      }
    }
  }

  @Test func aLargeTransposeTimesARowAndAColumn() {
    let cpu = everyCPU[0]
    let (rows, columns) = (130, 97)
    var random = SplitMix(state: 1)
    let x = random.floats(rows * columns)
    let row = random.floats(columns)
    let column = random.floats(rows)
    let transposed = StridedView(cpu.view(x).storage, .float32, shape: [rows, columns], strides: [1, rows])
    let byRow = cpu.view(row).viewed(shape: [rows, columns], strides: [0, 1])
    let byColumn = cpu.view(column).viewed(shape: [rows, columns], strides: [1, 0])
    let y = cpu.scratch([rows, columns])
    let program = PointwiseProgram(
      inputs: [.float32, .float32, .float32], scalars: [.real(2)],
      instructions: [.init(.multiply, 0, 1), .init(.subtract, 4, 2), .init(.multiply, 5, 3)],
      outputs: [.init(register: 6, dtype: .float32)])
    cpu.pointwise(program, [PointwiseOperands(inputs: [transposed, byRow, byColumn], outputs: [y])])
    let want = (0..<rows * columns).map { i -> Float in
      (x[i % columns * rows + i / columns] * row[i % columns] - column[i / columns]) * 2
    }
    #expect(cpu.floats(y) == want)
  }

  @Test(arguments: everyCPU) func outputsMayBeInputs(_ cpu: CPUBackend) {
    let n = 3000
    let a = (0..<n).map { Float($0) }
    let b = a.map { -2 * $0 }
    // A swap with a sum: neither output may be written before both inputs have been read.
    let x = cpu.view(a)
    let y = cpu.view(b)
    let sum = cpu.scratch([n])
    let swap = PointwiseProgram(
      inputs: [.float32, .float32], instructions: [.init(.add, 0, 1)],
      outputs: [
        .init(register: 1, dtype: .float32), .init(register: 0, dtype: .float32), .init(register: 2, dtype: .float32),
      ])
    cpu.pointwise(swap, [PointwiseOperands(inputs: [x, y], outputs: [x, y, sum])])
    #expect(cpu.floats(x) == b && cpu.floats(y) == a)
    #expect(cpu.floats(sum) == zip(a, b).map { $0 + $1 })
    // x is overwritten by the first instruction's result and read by the second.
    let later = PointwiseProgram(
      inputs: [.float32], scalars: [.real(1)], instructions: [.init(.add, 0, 1), .init(.multiply, 0, 2)],
      outputs: [.init(register: 2, dtype: .float32), .init(register: 3, dtype: .float32)])
    let z = cpu.view(a)
    let product = cpu.scratch([n])
    cpu.pointwise(later, [PointwiseOperands(inputs: [z], outputs: [z, product])])
    #expect(cpu.floats(z) == a.map { $0 + 1 })
    #expect(cpu.floats(product) == a.map { $0 * ($0 + 1) })
  }

  @Test func manySetsInOneCall() {
    let program = PointwiseProgram(
      inputs: [.float32, .float32], scalars: [.real(0.5)],
      instructions: [.init(.multiply, 1, 2), .init(.subtract, 0, 3)], outputs: [.init(register: 4, dtype: .float32)])
    let sizes = [1, 0, 70_000, 31, 0, 5000, 1]
    for cpu in oneAndManyThreads {
      let sets = sizes.map { n in
        let parameter = cpu.view((0..<n).map { Float($0) })
        let gradient = cpu.view([Float](repeating: 4, count: n))
        return PointwiseOperands(inputs: [parameter, gradient], outputs: [parameter])
      }
      let launches = cpu.statistics.launches
      cpu.pointwise(program, sets)
      #expect(cpu.statistics.launches == launches + 1)
      for (n, set) in zip(sizes, sets) {
        #expect(cpu.floats(set.outputs[0]) == (0..<n).map { Float($0) - 2 }, "\(n) elements")
      }
    }
  }

  @Test(arguments: everyCPU) func largeOutputsThatBypassTheCacheHoldTheSame(_ cpu: CPUBackend) {
    let n = (1 << 22) + 35
    let x = cpu.scratch([n])
    let whole = cpu.scratch([n])
    let parts = cpu.scratch([n])
    cpu.random(RandomDraw(.uniform(low: -1, high: 1), seed: 1, stream: 1), into: x)
    run(cpu, .square, [x], whole)
    for (first, count) in [(0, 1 << 21), (1 << 21, n - (1 << 21))] {
      let piece = { (view: StridedView) in view.viewed(shape: [count], strides: [1], offset: first) }
      run(cpu, .square, [piece(x)], piece(parts))
    }
    #expect(memcmp(whole.address, parts.address, n * 4) == 0)
  }

  @Test(arguments: everyCPU) func thirtyTwoInstructionsOfBothClasses(_ cpu: CPUBackend) {
    // Alternates classes, so that buffers of both widths are handed on.
    var instructions: [PointwiseProgram.Instruction] = []
    var register = 0
    for k in 0..<16 {
      instructions.append(.init(.realToInteger, register))
      instructions.append(.init(k % 2 == 0 ? .integerToReal : .select, 2 + 2 * k, 0, 1))
      register = 3 + 2 * k
    }
    let a = (0..<2500).map { Float($0) - 1000.5 }
    let y = cpu.scratch([2500])
    let program = PointwiseProgram(
      inputs: [.float32], scalars: [.real(3)], instructions: instructions,
      outputs: [.init(register: register, dtype: .float32)])
    cpu.pointwise(program, [PointwiseOperands(inputs: [cpu.view(a)], outputs: [y])])
    let want = a.map { x -> Float in
      var value = x
      for k in 0..<16 {
        let whole = Int64(value)
        value = k % 2 == 0 ? Float(whole) : (whole != 0 ? x : 3)
      }
      return value
    }
    #expect(cpu.floats(y) == want)
  }
}
