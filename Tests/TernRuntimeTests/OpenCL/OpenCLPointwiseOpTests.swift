// SPDX-License-Identifier: MIT
import Foundation
import TernKernels
import Testing

@testable import TernRuntime

/// Every row of the table of pointwise operations against Float64 and Swift's own integers.
@Suite("OpenCL operations", .serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLPointwiseOpTests {
  static let real1: [String: @Sendable (Double) -> Double] = [
    "negate": { -$0 }, "abs": { abs($0) }, "sign": { $0.isNaN ? $0 : $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
    "square": { $0 * $0 }, "sqrt": { $0.squareRoot() }, "rsqrt": { 1 / $0.squareRoot() }, "reciprocal": { 1 / $0 },
    "exp": { exp($0) }, "expm1": { expm1($0) }, "log": { log($0) }, "log1p": { log1p($0) }, "sin": { sin($0) },
    "cos": { cos($0) }, "tanh": { tanh($0) }, "sigmoid": { 1 / (1 + exp(-$0)) }, "erf": { erf($0) },
    "atan": { atan($0) },
    "copy_real": { $0 }, "relu": { $0.isNaN ? $0 : max($0, 0) }, "floor": { $0.rounded(.down) },
    "ceil": { $0.rounded(.up) },
    "round": { $0.rounded(.toNearestOrEven) }, "trunc": { $0.rounded(.towardZero) },
    "round_half": { Double(Float16(Float($0))) },
    "round_bfloat16": {
      $0.isNaN ? $0 : Double(Float(bitPattern: UInt32(OpenCLPointwiseDTypeTests.bfloat16(Float($0))) << 16))
    },
  ]
  static let real2: [String: @Sendable (Double, Double) -> Double] = [
    "add": { $0 + $1 }, "subtract": { $0 - $1 }, "multiply": { $0 * $1 }, "divide": { $0 / $1 },
    "power": { pow($0, $1) }, "max": { $0.isNaN || $1.isNaN ? .nan : max($0, $1) },
    "min": { $0.isNaN || $1.isNaN ? .nan : min($0, $1) },
  ]
  static let comparisons: [String: @Sendable (Double, Double) -> Bool] = [
    "less": { $0 < $1 }, "less_or_equal": { $0 <= $1 }, "equal": { $0 == $1 }, "not_equal": { $0 != $1 },
  ]
  static let integer1: [String: @Sendable (Int64) -> Int64] = [
    "copy_int": { $0 }, "int_negate": { 0 &- $0 }, "int_abs": { $0 < 0 ? 0 &- $0 : $0 }, "not": { $0 == 0 ? 1 : 0 },
    "wrap32": { Int64(Int32(truncatingIfNeeded: $0)) },
  ]
  static let integer2: [String: @Sendable (Int64, Int64) -> Int64] = [
    "int_add": { $0 &+ $1 }, "int_subtract": { $0 &- $1 }, "int_multiply": { $0 &* $1 },
    "int_floor_divide": { a, b in
      if b == 0 { return 0 }
      if b == -1 { return 0 &- a }
      return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0)
    },
    "int_max": { max($0, $1) }, "int_min": { min($0, $1) }, "int_less": { $0 < $1 ? 1 : 0 },
    "int_less_or_equal": { $0 <= $1 ? 1 : 0 }, "int_equal": { $0 == $1 ? 1 : 0 }, "int_not_equal": { $0 != $1 ? 1 : 0 },
    "and": { $0 & $1 }, "or": { $0 | $1 }, "xor": { $0 ^ $1 },
  ]

  static let realValues: [Float] = [
    0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -3.75, 0.001, -0.001, 7, -20, 30, 80, -80, 100, 1e-6, 1e4, 3e30, .infinity,
    -.infinity, .nan,
  ]
  static let integerValues: [Int64] = [0, 1, -1, 2, -3, 7, 63, -64, 1 << 31, -(1 << 40), .max, .min]

  /// What the row gives for one set of operands: a real or an integer.
  static func expected(_ name: String, _ r: [Float], _ i: [Int64]) -> (real: Double?, integer: Int64?) {
    let (a, b, c) = (Double(r[0]), Double(r[1]), Double(r[2]))
    // Beyond 2^22 the sine and cosine of a float mean little, and tern_math.h says NaN.
    if ["sin", "cos"].contains(name), abs(a) >= 0x1p22 { return (.nan, nil) }
    if let f = real1[name] { return (f(a), nil) }
    if let f = real2[name] { return (f(a, b), nil) }
    if let f = comparisons[name] { return (nil, f(a, b) ? 1 : 0) }
    if let f = integer1[name] { return (nil, f(i[0])) }
    if let f = integer2[name] { return (nil, f(i[0], i[1])) }
    switch name {
    case "multiply_add": return (a * b + c, nil)
    case "select": return (i[0] != 0 ? b : c, nil)
    case "int_select": return (nil, i[0] != 0 ? i[1] : i[2])
    case "is_nan": return (nil, a.isNaN ? 1 : 0)
    case "is_finite": return (nil, a.isFinite ? 1 : 0)
    case "int_to_real": return (Double(Float(i[0])), nil)
    case "real_to_int": return (nil, OpenCLPointwiseDTypeTests.truncated(a))
    case "real_to_int32": return (nil, OpenCLPointwiseDTypeTests.truncated(a, to: .int32))
    case "real_to_bool": return (nil, a != 0 ? 1 : 0)
    default: return (nil, nil)
    }
  }

  /// First rows of batches of eight, so that few kernels are compiled.
  static let firstRows = Array(stride(from: 0, to: Int(TERN_OP_COUNT.rawValue), by: 8))

  @Test(arguments: firstRows) func operationsAreRightToFourUlp(_ first: Int) throws {
    let ops = (first..<min(first + 8, Int(TERN_OP_COUNT.rawValue))).map { PointwiseOp(tern_op(UInt32($0))) }
    // Every pair of the first two operands; the third walks along.
    let n = Self.realValues.count
    let reals = (0..<3).map { k in
      (0..<n * n).map { Self.realValues[[$0 / n, $0 % n, ($0 * 5 + 2) % n][k]] }
    }
    let m = Self.integerValues.count
    let integers = (0..<3).map { k in
      (0..<n * n).map { Self.integerValues[[$0 / n % m, $0 % m, ($0 * 5 + 2) % m][k]] }
    }
    var program = PointwiseProgram(
      inputs: [.float32, .float32, .float32, .int64, .int64, .int64], instructions: [], outputs: [])
    for (number, op) in ops.enumerated() {
      let row = tern_op_rows(Int32(op.index)).pointee
      let classes = [row.operand.0, row.operand.1, row.operand.2]
      let registers = (0..<3).map { $0 + (classes[$0] == TERN_REAL ? 0 : 3) }
      // `select` takes its integer from the first, its reals from the second and third.
      program.instructions.append(.init(op, registers[0], registers[1], registers[2]))
      program.outputs.append(.init(register: 6 + number, dtype: op.resultClass == .real ? .float32 : .int64))
    }
    let result = try OpenCLPointwiseTests.agreed { backend in
      let inputs =
        reals.map { StridedView(backend.storage(of: $0), .float32, shape: [n * n]) }
        + integers.map { StridedView(backend.storage(of: $0), .int64, shape: [n * n]) }
      let outputs = program.outputs.map {
        StridedView(backend.allocate(byteCount: 8 * n * n), $0.dtype, shape: [n * n])
      }
      backend.pointwise(program, [PointwiseOperands(inputs: inputs, outputs: outputs)])
      return try outputs.flatMap { output -> [Int64] in
        output.dtype == .int64
          ? try backend.array(Int64.self, n * n, from: output.storage)
          : try backend.array(Float.self, n * n, from: output.storage).map { $0.isNaN ? -1 : Int64($0.bitPattern) }
      }
    }
    for (number, op) in ops.enumerated() {
      for place in 0..<n * n {
        let (r, i) = (reals.map { $0[place] }, integers.map { $0[place] })
        let got = result[number * n * n + place]
        let (real, integer) = Self.expected(op.name, r, i)
        if let integer { #expect(got == integer, "\(op.name) of \(r), \(i)") }
        if let real {
          let value = got == -1 ? Float.nan : Float(bitPattern: UInt32(got))
          #expect(Self.agree(value, real), "\(op.name) of \(r), \(i): \(value), expected \(real)")
        }
        #expect(real != nil || integer != nil, "\(op.name) has no reference")
      }
    }
  }

  static func agree(_ value: Float, _ expected: Double) -> Bool {
    let rounded = Float(expected)
    if rounded.isNaN || value.isNaN { return rounded.isNaN && value.isNaN }
    if rounded.isInfinite || value.isInfinite {
      // At the end of the range the last bits decide between the largest number and infinity.
      return value == rounded || abs(Double(value) / 0x1p127) > 1.9999 && abs(expected) > 0x1p127 * 1.9999
    }
    return abs(Double(value) - expected) <= 4 * Double(max(rounded.magnitude, .leastNormalMagnitude).ulp)
  }
}
