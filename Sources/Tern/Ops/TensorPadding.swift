// SPDX-License-Identifier: MIT
import TernRuntime

/// What stands beyond the ends of an axis.
public enum PaddingMode: Sendable, Hashable {
  /// A number.
  case constant(Float)
  /// The elements before the end in reverse, without the one at the end: `c b | a b c | b a`.
  case reflected
  /// The element at the end: `a a | a b c | c c`.
  case replicated
  /// The elements from the other end: `b c | a b c | a b`.
  case circular
}

/// Elements added before and behind one axis.
public struct AxisPadding: Sendable, Hashable {
  /// The axis; negative counts from the end.
  public let axis: Int
  /// Elements added before the first one.
  public let before: Int
  /// Elements added behind the last one.
  public let after: Int

  /// What one axis grows, or shrinks, by.
  ///
  /// - Parameters:
  ///   - before: elements added before the first one; a negative number takes away.
  ///   - after: elements added behind the last one; a negative number takes away.
  public init(axis: Int, before: Int, after: Int) {
    (self.axis, self.before, self.after) = (axis, before, after)
  }
}

extension Tensor {
  /// The tensor with elements added at the ends of some axes.
  ///
  /// - Parameters:
  ///   - amounts: one entry for each axis that grows, or shrinks where its numbers are negative.
  ///   - mode: what the new elements are; axes are padded in the order given.
  /// - Precondition: each axis stands once; with `.reflected` an axis grows by less than its length at each end, with
  ///   `.circular` by no more than its length, and with `.replicated` it is not empty.
  public func padded(_ amounts: [AxisPadding], mode: PaddingMode = .constant(0)) -> Tensor {
    let axes = amounts.map { resolvedAxis("padded", $0.axis) }
    require(Set(axes).count == axes.count, "padded: an axis stands twice in \(amounts.map(\.axis))")
    var result = self
    for (axis, amount) in zip(axes, amounts) {
      let length = shape[axis]
      let (first, last) = (Swift.max(0, -amount.before), length - Swift.max(0, -amount.after))
      require(
        first <= last, "padded: \(amount.before) and \(amount.after) take away more than axis \(axis) of shape \(shape)"
      )
      result = result.sliced(along: axis, from: first, to: last)
    }
    let growth = zip(axes, amounts).map {
      AxisPadding(axis: $0, before: Swift.max(0, $1.before), after: Swift.max(0, $1.after))
    }
    if case .constant(let number) = mode { return result.surrounded(growth.filter(\.isNeeded), by: number) }
    return growth.filter(\.isNeeded).reduce(result) { $0.extended($1, mode) }
  }

  /// Padding with a number, all axes at once.
  private func surrounded(_ amounts: [AxisPadding], by number: Float) -> Tensor {
    if amounts.isEmpty { return self }
    var (full, starts) = (shape, [Int](repeating: 0, count: rank))
    for amount in amounts {
      full[amount.axis] += amount.before + amount.after
      starts[amount.axis] = amount.before
    }
    let filler = Tensor.scalar("padded", number, dtype)
    return Tensor.record(
      "padded", shape: full, dtype: dtype, from: [self], saving: .none,
      compute: { backend, inputs, y in
        backend.pointwise(.fill(filler, dtype: y.dtype), [PointwiseOperands(inputs: [], outputs: [y])])
        let offset = zip(starts, y.strides).reduce(y.offset) { $0 + $1.0 * $1.1 }
        let inside = y.viewed(shape: inputs[0].shape, strides: y.strides, offset: offset)
        backend.pointwise(.copy(from: y.dtype, to: y.dtype), [PointwiseOperands(inputs: inputs, outputs: [inside])])
      },
      pullback: { gradient, _ in
        [
          amounts.reduce(gradient) {
            $0.sliced(along: $1.axis, from: $1.before, to: $0.shape[$1.axis] - $1.after)
          }
        ]
      })
  }

  /// Padding of one axis with the tensor's own elements. Its gradient adds up what each element was copied to.
  private func extended(_ amount: AxisPadding, _ mode: PaddingMode) -> Tensor {
    let (axis, length) = (amount.axis, shape[amount.axis])
    let (before, after) = (amount.before, amount.after)
    let positions: [Int]
    switch mode {
    case .reflected:
      require(
        before < length && after < length,
        "padded: reflection of \(before) and \(after) elements needs a longer axis than axis \(axis) of shape \(shape)")
      positions = (1..<before + 1).reversed() + Array(0..<length) + (0..<after).map { length - 2 - $0 }
    case .replicated:
      require(length > 0, "padded: axis \(axis) of shape \(shape) is empty")
      positions =
        Array(repeating: 0, count: before) + Array(0..<length) + Array(repeating: length - 1, count: after)
    case .circular, .constant:
      require(
        before <= length && after <= length,
        "padded: \(before) and \(after) elements do not come once around axis \(axis) of shape \(shape)")
      positions = Array(length - before..<length) + Array(0..<length) + Array(0..<after)
    }
    return selected(Tensor(positions, on: device), along: axis)
  }
}

extension AxisPadding {
  fileprivate var isNeeded: Bool { before > 0 || after > 0 }
}
