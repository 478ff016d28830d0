// SPDX-License-Identifier: MIT
import TernKernels

/// One row of the table of pointwise operations in `Kernels/include/tern_pointwise.def`, which holds each operation's
/// name, operand classes and its one expression, used by the C loops and by the OpenCL kernels alike.
package struct PointwiseOp: Sendable, Hashable {
  package let index: Int

  init(_ code: tern_op) { index = Int(code.rawValue) }

  private var row: tern_op_row { tern_op_rows(Int32(index)).pointee }
  package var name: String { String(cString: row.name) }
  package var arity: Int { Int(row.arity) }
  package var resultClass: RegisterClass { row.result == TERN_REAL ? .real : .integer }
  /// The expression over `a`, `b`, `c` in the common subset of C and OpenCL C.
  package var expression: String { String(cString: row.expression) }
}

extension PointwiseOp {
  // Real to real.
  package static let negate = PointwiseOp(TERN_OP_negate)
  package static let abs = PointwiseOp(TERN_OP_abs)
  package static let sign = PointwiseOp(TERN_OP_sign)
  package static let square = PointwiseOp(TERN_OP_square)
  package static let squareRoot = PointwiseOp(TERN_OP_sqrt)
  package static let reciprocalSquareRoot = PointwiseOp(TERN_OP_rsqrt)
  package static let reciprocal = PointwiseOp(TERN_OP_reciprocal)
  package static let exp = PointwiseOp(TERN_OP_exp)
  package static let expMinusOne = PointwiseOp(TERN_OP_expm1)
  package static let log = PointwiseOp(TERN_OP_log)
  package static let logOnePlus = PointwiseOp(TERN_OP_log1p)
  package static let sin = PointwiseOp(TERN_OP_sin)
  package static let cos = PointwiseOp(TERN_OP_cos)
  package static let tanh = PointwiseOp(TERN_OP_tanh)
  package static let sigmoid = PointwiseOp(TERN_OP_sigmoid)
  package static let erf = PointwiseOp(TERN_OP_erf)
  package static let atan = PointwiseOp(TERN_OP_atan)
  package static let relu = PointwiseOp(TERN_OP_relu)
  package static let floor = PointwiseOp(TERN_OP_floor)
  package static let ceil = PointwiseOp(TERN_OP_ceil)
  package static let round = PointwiseOp(TERN_OP_round)
  package static let truncate = PointwiseOp(TERN_OP_trunc)
  package static let roundToHalf = PointwiseOp(TERN_OP_round_half)
  package static let roundToBFloat16 = PointwiseOp(TERN_OP_round_bfloat16)
  // Two and three reals.
  package static let add = PointwiseOp(TERN_OP_add)
  package static let subtract = PointwiseOp(TERN_OP_subtract)
  package static let multiply = PointwiseOp(TERN_OP_multiply)
  package static let divide = PointwiseOp(TERN_OP_divide)
  package static let power = PointwiseOp(TERN_OP_power)
  package static let max = PointwiseOp(TERN_OP_max)
  package static let min = PointwiseOp(TERN_OP_min)
  package static let multiplyAdd = PointwiseOp(TERN_OP_multiply_add)
  package static let less = PointwiseOp(TERN_OP_less)
  package static let lessOrEqual = PointwiseOp(TERN_OP_less_or_equal)
  package static let equal = PointwiseOp(TERN_OP_equal)
  package static let notEqual = PointwiseOp(TERN_OP_not_equal)
  package static let isNaN = PointwiseOp(TERN_OP_is_nan)
  package static let isFinite = PointwiseOp(TERN_OP_is_finite)
  /// `a != 0 ? b : c`, `a` integer, `b` and `c` real.
  package static let select = PointwiseOp(TERN_OP_select)
  // Integers.
  package static let integerNegate = PointwiseOp(TERN_OP_int_negate)
  package static let integerAbs = PointwiseOp(TERN_OP_int_abs)
  package static let integerAdd = PointwiseOp(TERN_OP_int_add)
  package static let integerSubtract = PointwiseOp(TERN_OP_int_subtract)
  package static let integerMultiply = PointwiseOp(TERN_OP_int_multiply)
  /// Rounds towards minus infinity; division by zero gives 0.
  package static let integerFloorDivide = PointwiseOp(TERN_OP_int_floor_divide)
  package static let integerMax = PointwiseOp(TERN_OP_int_max)
  package static let integerMin = PointwiseOp(TERN_OP_int_min)
  package static let integerLess = PointwiseOp(TERN_OP_int_less)
  package static let integerLessOrEqual = PointwiseOp(TERN_OP_int_less_or_equal)
  package static let integerEqual = PointwiseOp(TERN_OP_int_equal)
  package static let integerNotEqual = PointwiseOp(TERN_OP_int_not_equal)
  package static let integerSelect = PointwiseOp(TERN_OP_int_select)
  package static let and = PointwiseOp(TERN_OP_and)
  package static let or = PointwiseOp(TERN_OP_or)
  package static let xor = PointwiseOp(TERN_OP_xor)
  package static let not = PointwiseOp(TERN_OP_not)
  /// Wraps to 32 bits, so that `int32` arithmetic overflows as it would in a 32-bit register.
  package static let wrapToInt32 = PointwiseOp(TERN_OP_wrap32)
  // Between the classes.
  package static let integerToReal = PointwiseOp(TERN_OP_int_to_real)
  /// Truncates towards zero; NaN gives 0, what is out of range saturates.
  package static let realToInteger = PointwiseOp(TERN_OP_real_to_int)
  /// The same in the range of `int32`.
  package static let realToInt32 = PointwiseOp(TERN_OP_real_to_int32)
  /// 1 unless zero; NaN gives 1.
  package static let realToBool = PointwiseOp(TERN_OP_real_to_bool)
  // Only change how a value is stored.
  package static let copyReal = PointwiseOp(TERN_OP_copy_real)
  package static let copyInteger = PointwiseOp(TERN_OP_copy_int)

  /// What makes a register fit for a dtype of the other class.
  package static func conversion(to dtype: DType) -> PointwiseOp {
    switch dtype {
    case .float32, .float16, .bfloat16: integerToReal
    case .bool: realToBool
    case .int32: realToInt32
    case .int64: realToInteger
    }
  }
}
