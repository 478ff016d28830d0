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
  // Elementwise comparisons: bool results, shapes broadcast, both operands of one dtype. Swift's own SIMD types spell
  // them the same way.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(".==", .equal, .integerEqual, a, b) }
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(".!=", .notEqual, .integerNotEqual, a, b) }
  public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(".<", .less, .integerLess, a, b) }
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(".<=", .lessOrEqual, .integerLessOrEqual, a, b) }
  public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(".>", .less, .integerLess, b, a) }
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(".>=", .lessOrEqual, .integerLessOrEqual, b, a) }

  public static func .== (a: Tensor, b: Float) -> Tensor { a .== a.like(b) }
  public static func .!= (a: Tensor, b: Float) -> Tensor { a .!= a.like(b) }
  public static func .< (a: Tensor, b: Float) -> Tensor { a .< a.like(b) }
  public static func .<= (a: Tensor, b: Float) -> Tensor { a .<= a.like(b) }
  public static func .> (a: Tensor, b: Float) -> Tensor { a .> a.like(b) }
  public static func .>= (a: Tensor, b: Float) -> Tensor { a .>= a.like(b) }

  /// Logical and, or, not of bool tensors.
  public static func .& (a: Tensor, b: Tensor) -> Tensor { logic(".&", .and, a, b) }
  public static func .| (a: Tensor, b: Tensor) -> Tensor { logic(".|", .or, a, b) }
  public static prefix func .! (a: Tensor) -> Tensor {
    require(a.dtype == .bool, ".!: needs a bool tensor, got \(a.dtype)")
    return .pending(.not, [.tensor(a)], shape: a.shape, dtype: .bool, device: a.device)
  }

  /// 1 where the element is NaN.
  public func isNaN() -> Tensor { test("isNaN", .isNaN) }
  /// True where the element is neither infinite nor NaN.
  public func isFinite() -> Tensor { test("isFinite", .isFinite) }

  private func test(_ operation: String, _ op: PointwiseOp) -> Tensor {
    require(dtype.isFloatingPoint, "\(operation): needs a floating-point tensor, got \(dtype)")
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
  func like(_ number: Float) -> Tensor { .full([], number, dtype: dtype, on: device) }
}

/// `a` where the condition holds, else `b`; all shapes broadcast.
///
/// - Parameter condition: a bool tensor; no gradient flows to it.
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
public func `where`(_ condition: Tensor, _ a: Tensor, _ b: Float) -> Tensor { `where`(condition, a, a.like(b)) }
public func `where`(_ condition: Tensor, _ a: Float, _ b: Tensor) -> Tensor { `where`(condition, b.like(a), b) }
