// SPDX-License-Identifier: MIT
import TernRuntime

/// A pointwise operation of two tensors of one dtype, in its form for real numbers and for integers.
private struct BinaryOp: Sendable {
  let name: String
  let real: PointwiseOp
  let integer: PointwiseOp?

  func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    let dtype = Tensor.commonDType(name, [a, b])
    return .pendingWrapped(
      op(for: dtype), [.tensor(a), .tensor(b)], shape: broadcastShape(name, a.shape, b.shape), dtype: dtype,
      device: Tensor.commonDevice(name, [a, b]))
  }

  func callAsFunction(_ a: Tensor, _ b: Float) -> Tensor {
    .pendingWrapped(
      op(for: a.dtype), [.tensor(a), a.number(name, b)], shape: a.shape, dtype: a.dtype, device: a.device)
  }

  func callAsFunction(_ a: Float, _ b: Tensor) -> Tensor {
    .pendingWrapped(
      op(for: b.dtype), [b.number(name, a), .tensor(b)], shape: b.shape, dtype: b.dtype, device: b.device)
  }

  private func op(for dtype: DType) -> PointwiseOp {
    require(dtype != .bool, "\(name): bool tensors have no arithmetic; convert with x.cast(to:), or use .& .| .!")
    if dtype.isFloatingPoint { return real }
    guard let integer else { trap("\(name): \(dtype) tensors are not supported; convert with x.cast(to: .float32)") }
    return integer
  }
}

private let addition = BinaryOp(name: "+", real: .add, integer: .integerAdd)
private let subtraction = BinaryOp(name: "-", real: .subtract, integer: .integerSubtract)
private let multiplication = BinaryOp(name: "*", real: .multiply, integer: .integerMultiply)
private let division = BinaryOp(name: "/", real: .divide, integer: nil)
private let larger = BinaryOp(name: "maximum", real: .max, integer: .integerMax)
private let smaller = BinaryOp(name: "minimum", real: .min, integer: .integerMin)
private let floorDivision = BinaryOp(name: "floorDivided", real: .divide, integer: .integerFloorDivide)

extension Tensor {
  // MARK: Tensor and tensor

  /// The elementwise sum; shapes broadcast from the last axis, as in NumPy. `int32` and `int64` wrap.
  ///
  /// - Precondition: the operands have one dtype, not `bool`, and one device, and their shapes broadcast.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    addition(a, b).recorded("+", from: [a, b], saving: .none) { [sa = a.shape, sb = b.shape] gradient, saved in
      [saved.needs(0) ? gradient.summed(to: sa) : nil, saved.needs(1) ? gradient.summed(to: sb) : nil]
    }
  }

  /// The elementwise difference; shapes broadcast. `int32` and `int64` wrap.
  ///
  /// - Precondition: that of the sum.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    subtraction(a, b).recorded("-", from: [a, b], saving: .none) { [sa = a.shape, sb = b.shape] gradient, saved in
      [saved.needs(0) ? gradient.summed(to: sa) : nil, saved.needs(1) ? -gradient.summed(to: sb) : nil]
    }
  }

  /// The elementwise product; shapes broadcast. `int32` and `int64` wrap.
  ///
  /// - Precondition: that of the sum.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    multiplication(a, b).recorded("*", from: [a, b], saving: .inputs) { [sa = a.shape, sb = b.shape] gradient, saved in
      [
        saved.needs(0) ? (gradient * saved[1]).summed(to: sa) : nil,
        saved.needs(1) ? (gradient * saved[0]).summed(to: sb) : nil,
      ]
    }
  }

  /// The elementwise quotient; shapes broadcast. A divisor of 0 gives an infinity or NaN, as IEEE 754 has it.
  ///
  /// - Precondition: that of the sum, and the dtype is floating point; integers have `floorDivided(by:)`.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    division(a, b).recorded("/", from: [a, b], saving: .inputs) { [sa = a.shape, sb = b.shape] gradient, saved in
      let scaled = gradient / saved[1]
      return [
        saved.needs(0) ? scaled.summed(to: sa) : nil,
        saved.needs(1) ? -(scaled * saved[0] / saved[1]).summed(to: sb) : nil,
      ]
    }
  }

  // MARK: Tensor and number

  /// A number added to each element. The result has the tensor's shape and dtype.
  ///
  /// - Precondition: the dtype is not `bool`; beside integers the number is a whole one.
  public static func + (a: Tensor, b: Float) -> Tensor {
    addition(a, b).recorded("+", from: [a], saving: .none) { gradient, _ in [gradient] }
  }
  /// Each element added to a number, as `tensor + number`.
  public static func + (a: Float, b: Tensor) -> Tensor { b + a }

  /// A number subtracted from each element. The result has the tensor's shape and dtype.
  ///
  /// - Precondition: the dtype is not `bool`; beside integers the number is a whole one.
  public static func - (a: Tensor, b: Float) -> Tensor {
    subtraction(a, b).recorded("-", from: [a], saving: .none) { gradient, _ in [gradient] }
  }
  /// Each element subtracted from a number, under the precondition of `tensor - number`.
  public static func - (a: Float, b: Tensor) -> Tensor {
    subtraction(a, b).recorded("-", from: [b], saving: .none) { gradient, _ in [-gradient] }
  }

  /// Each element times a number. The result has the tensor's shape and dtype.
  ///
  /// - Precondition: the dtype is not `bool`; beside integers the number is a whole one.
  public static func * (a: Tensor, b: Float) -> Tensor {
    multiplication(a, b).recorded("*", from: [a], saving: .none) { gradient, _ in [gradient * b] }
  }
  /// A number times each element, as `tensor * number`.
  public static func * (a: Float, b: Tensor) -> Tensor { b * a }

  /// Each element divided by a number; by 0 it is an infinity or NaN. The result has the tensor's shape and dtype.
  ///
  /// - Precondition: the dtype is floating point.
  public static func / (a: Tensor, b: Float) -> Tensor {
    division(a, b).recorded("/", from: [a], saving: .none) { gradient, _ in [gradient / b] }
  }
  /// A number divided by each element; an element of 0 gives an infinity or NaN.
  ///
  /// - Precondition: the dtype is floating point.
  public static func / (a: Float, b: Tensor) -> Tensor {
    division(a, b).recorded("/", from: [b], saving: .inputs) { gradient, saved in
      [gradient * (-a) / square(saved[0])]
    }
  }

  /// The elementwise negative; the smallest integer stays itself.
  ///
  /// - Precondition: the dtype is not `bool`.
  public static prefix func - (a: Tensor) -> Tensor {
    let op: PointwiseOp = a.dtype.isFloatingPoint ? .negate : .integerNegate
    require(a.dtype != .bool, "-: bool tensors have no arithmetic; convert with x.cast(to:)")
    return Tensor.pendingWrapped(op, [.tensor(a)], shape: a.shape, dtype: a.dtype, device: a.device)
      .recorded("-", from: [a], saving: .none) { gradient, _ in [-gradient] }
  }

  /// Replaces `a` by `a + b`: copies of the old tensor keep their numbers, and `a` takes the shape that both broadcast
  /// to. So do the other compound assignments.
  public static func += (a: inout Tensor, b: Tensor) { a = a + b }
  /// Replaces `a` by `a - b`.
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  /// Replaces `a` by `a * b`, elementwise.
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
  /// Replaces `a` by `a / b`, elementwise.
  public static func /= (a: inout Tensor, b: Tensor) { a = a / b }
  /// Replaces `a` by `a + b`.
  public static func += (a: inout Tensor, b: Float) { a = a + b }
  /// Replaces `a` by `a - b`.
  public static func -= (a: inout Tensor, b: Float) { a = a - b }
  /// Replaces `a` by `a * b`.
  public static func *= (a: inout Tensor, b: Float) { a = a * b }
  /// Replaces `a` by `a / b`.
  public static func /= (a: inout Tensor, b: Float) { a = a / b }

  /// The elementwise quotient of integer tensors, rounded towards minus infinity; 0 where the divisor is 0.
  public func floorDivided(by divisor: Tensor) -> Tensor {
    require(!dtype.isFloatingPoint, "floorDivided: needs integers, got \(dtype); use floor(a / b)")
    return floorDivision(self, divisor)
  }

  /// Sums a gradient over the axes that a shape was broadcast along.
  func summed(to target: [Int]) -> Tensor {
    if shape == target { return self }
    let added = rank - target.count
    let stretched = shape.indices.filter { $0 < added || (target[$0 - added] == 1 && shape[$0] != 1) }
    return sum(along: stretched, keepingDimensions: true).reshaped(to: target)
  }
}

/// The larger of two values, elementwise; NaN wins. Where they are equal each gets half of the gradient.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { extremum(larger, a, b) { $0 .< $1 } }

/// The smaller of two values, elementwise; NaN wins. Where they are equal each gets half of the gradient.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { extremum(smaller, a, b) { $0 .> $1 } }

private func extremum(
  _ op: BinaryOp, _ a: Tensor, _ b: Tensor, loses: @escaping @Sendable (Tensor, Tensor) -> Tensor
) -> Tensor {
  op(a, b).recorded(op.name, from: [a, b], saving: .inputs) { [sa = a.shape, sb = b.shape] gradient, saved in
    let tie = (saved[0].detached() .== saved[1].detached()).cast(to: gradient.dtype) * 0.5
    // NaN neither loses nor ties, so that both sides get all of its gradient.
    func share(_ x: Tensor, _ y: Tensor, _ shape: [Int]) -> Tensor {
      `where`(loses(x.detached(), y.detached()), 0, gradient * (1 - tie)).summed(to: shape)
    }
    return [
      saved.needs(0) ? share(saved[0], saved[1], sa) : nil, saved.needs(1) ? share(saved[1], saved[0], sb) : nil,
    ]
  }
}

/// Values limited to `min ... max`; no gradient outside.
///
/// - Precondition: `min <= max` where both are given.
public func clamp(_ x: Tensor, min: Float? = nil, max: Float? = nil) -> Tensor {
  if let min, let max { require(min <= max, "clamp: min \(min) is above max \(max)") }
  var y = x.detached()
  if let min { y = larger(y, min) }
  if let max { y = smaller(y, max) }
  return y.recorded("clamp", from: [x], saving: .inputs) { gradient, saved in
    let x = saved[0].detached()
    var passes = Tensor.full(x.shape, 1, dtype: gradient.dtype, on: x.device)
    if let min { passes = passes * (x .>= min).cast(to: gradient.dtype) }
    if let max { passes = passes * (x .<= max).cast(to: gradient.dtype) }
    return [gradient * passes]
  }
}
