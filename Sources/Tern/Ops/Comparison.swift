// SPDX-License-Identifier: MIT
import TernRuntime

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .& : LogicalConjunctionPrecedence
infix operator .| : LogicalDisjunctionPrecedence
prefix operator .!

extension Tensor {
  // The operators are spelled as those of Swift's own SIMD types.

  /// Whether elements are equal, as a `bool` tensor; shapes broadcast.
  ///
  /// Comparisons have no gradient. Those with NaN are false, but for `.!=`, which is true.
  /// - Precondition: the operands have one dtype and one device, and their shapes broadcast. This holds of all
  ///   comparisons.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(".==", .equal, .integerEqual, a, b) }
  /// Whether elements differ, as a `bool` tensor; shapes broadcast. NaN differs from everything.
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(".!=", .notEqual, .integerNotEqual, a, b) }
  /// Whether elements of `a` are less than those of `b`, as a `bool` tensor; shapes broadcast.
  public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(".<", .less, .integerLess, a, b) }
  /// Whether elements of `a` are less than those of `b` or equal, as a `bool` tensor; shapes broadcast.
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(".<=", .lessOrEqual, .integerLessOrEqual, a, b) }
  /// Whether elements of `a` are greater than those of `b`, as a `bool` tensor; shapes broadcast.
  public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(".>", .less, .integerLess, b, a) }
  /// Whether elements of `a` are greater than those of `b` or equal, as a `bool` tensor; shapes broadcast.
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(".>=", .lessOrEqual, .integerLessOrEqual, b, a) }

  /// Whether each element equals a number, as a `bool` tensor.
  ///
  /// Half types are compared in Float32: 0.1 equals no `float16`.
  ///
  /// - Precondition: beside integers the number is a whole one. This holds of all comparisons with a number.
  public static func .== (a: Tensor, b: Float) -> Tensor { a .== a.like(b) }
  /// Whether each element differs from a number, as a `bool` tensor.
  public static func .!= (a: Tensor, b: Float) -> Tensor { a .!= a.like(b) }
  /// Whether each element is less than a number, as a `bool` tensor.
  public static func .< (a: Tensor, b: Float) -> Tensor { a .< a.like(b) }
  /// Whether each element is less than a number or equal, as a `bool` tensor.
  public static func .<= (a: Tensor, b: Float) -> Tensor { a .<= a.like(b) }
  /// Whether each element is greater than a number, as a `bool` tensor.
  public static func .> (a: Tensor, b: Float) -> Tensor { a .> a.like(b) }
  /// Whether each element is greater than a number or equal, as a `bool` tensor.
  public static func .>= (a: Tensor, b: Float) -> Tensor { a .>= a.like(b) }

  /// The logical and of `bool` tensors; shapes broadcast. Both operands are always computed.
  ///
  /// - Precondition: both tensors are `bool` and on one device.
  public static func .& (a: Tensor, b: Tensor) -> Tensor { logic(".&", .and, a, b) }
  /// The logical or of `bool` tensors; shapes broadcast. Both operands are always computed.
  ///
  /// - Precondition: both tensors are `bool` and on one device.
  public static func .| (a: Tensor, b: Tensor) -> Tensor { logic(".|", .or, a, b) }
  /// The logical not of a `bool` tensor.
  ///
  /// - Precondition: the tensor is `bool`.
  public static prefix func .! (a: Tensor) -> Tensor {
    require(a.dtype == .bool, ".!: needs a bool tensor, got \(a.dtype)")
    return .pending(.not, [.tensor(a)], shape: a.shape, dtype: .bool, device: a.device)
  }

  /// True where the element is NaN.
  public func isNaN() -> Tensor { test("isNaN", .isNaN) }
  /// True where the element is neither infinite nor NaN.
  public func isFinite() -> Tensor { test("isFinite", .isFinite) }

  private func test(_ operation: String, _ op: PointwiseOp) -> Tensor {
    requireFloatingPoint(operation, self)
    return .pending(op, [.tensor(self)], shape: shape, dtype: .bool, device: device)
  }

  private static func compare(
    _ operation: String, _ real: PointwiseOp, _ integer: PointwiseOp, _ a: Tensor, _ b: Tensor
  ) -> Tensor {
    let dtype = commonDType(operation, [a, b])
    return .pending(
      dtype.isFloatingPoint ? real : integer, [.tensor(a), .tensor(b)],
      shape: broadcastShape(operation, a.shape, b.shape), dtype: .bool, device: commonDevice(operation, [a, b]))
  }

  private static func logic(_ operation: String, _ op: PointwiseOp, _ a: Tensor, _ b: Tensor) -> Tensor {
    require(
      a.dtype == .bool && b.dtype == .bool, "\(operation): needs bool tensors, got \(a.dtype) and \(b.dtype)")
    return .pending(
      op, [.tensor(a), .tensor(b)], shape: broadcastShape(operation, a.shape, b.shape), dtype: .bool,
      device: commonDevice(operation, [a, b]))
  }

  /// A constant scalar of this tensor's dtype and device.
  func like(_ number: Float) -> Tensor {
    Tensor(Value(device, dtype, [], .constant(Tensor.scalar("number", number, dtype))))
  }

  /// The integer as a scalar of this tensor's dtype and device.
  func like(_ number: Int) -> Tensor { .full([], integer: number, dtype: dtype, on: device) }
}

/// `a` where the condition holds, else `b`; all shapes broadcast.
///
/// The gradient is 0 on the side that was not taken. Where the derivative of what that side was computed from is
/// infinite, 0 times it is NaN: keep both sides finite.
///
/// - Parameter condition: a bool tensor; no gradient flows to it.
/// - Precondition: `a` and `b` have one dtype, and all three one device.
public func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  require(condition.dtype == .bool, "where: the condition must be bool, got \(condition.dtype)")
  let dtype = Tensor.commonDType("where", [a, b])
  let shape = broadcastShape("where", broadcastShape("where", condition.shape, a.shape), b.shape)
  return Tensor.pending(
    dtype.isFloatingPoint ? .select : .integerSelect, [.tensor(condition), .tensor(a), .tensor(b)], shape: shape,
    dtype: dtype, device: Tensor.commonDevice("where", [condition, a, b])
  ).recorded("where", from: [a, b], saving: .tensors([condition])) { [sa = a.shape, sb = b.shape] gradient, saved in
    let zero = gradient.like(0)
    return [
      saved.needs(0) ? `where`(saved[0], gradient, zero).summed(to: sa) : nil,
      saved.needs(1) ? `where`(saved[0], zero, gradient).summed(to: sb) : nil,
    ]
  }
}

/// `a` where the condition holds, else a number; `condition` and `a` broadcast.
///
/// - Precondition: the condition is `bool`; beside integers the number is a whole one.
public func `where`(_ condition: Tensor, _ a: Tensor, _ b: Float) -> Tensor { `where`(condition, a, a.like(b)) }

/// A number where the condition holds, else `b`; `condition` and `b` broadcast.
///
/// - Precondition: the condition is `bool`; beside integers the number is a whole one.
public func `where`(_ condition: Tensor, _ a: Float, _ b: Tensor) -> Tensor { `where`(condition, b.like(a), b) }
