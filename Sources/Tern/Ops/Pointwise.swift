// SPDX-License-Identifier: MIT
import TernRuntime

/// An operand of a pointwise operation as the caller gave it.
enum PointwiseOperand {
  case tensor(Tensor)
  /// A number that takes the other operands' dtype class.
  case number(PointwiseProgram.Scalar)
}

extension Tensor {
  /// A pending pointwise operation over operands that broadcast to `shape`. Records nothing.
  static func pending(
    _ op: PointwiseOp, _ operands: [PointwiseOperand], shape: [Int], dtype: DType, device: Device
  ) -> Tensor {
    func recipe() -> Recipe {
      Recipe(
        op,
        operands.map { operand in
          switch operand {
          case .number(let scalar): .scalar(scalar)
          case .tensor(let tensor): tensor.recipeOperand(shape: shape)
          }
        })
    }
    var result = recipe()
    while !result.surelyFits {
      let value = Value(device, dtype, shape, .pending(result))
      var builder = ProgramBuilder()
      builder.add(value)
      if builder.fits { return Tensor(value) }
      // Too large: the operand with the longest program is computed first.
      var longest: (value: Value, length: Int)?
      for case .value(let value) in result.operands {
        if case .pending(let below) = value.snapshot, below.instructionBound > longest?.length ?? 0 {
          longest = (value, below.instructionBound)
        }
      }
      _ = longest!.value.storage()
      result = recipe()
    }
    return Tensor(Value(device, dtype, shape, .pending(result)))
  }

  private func recipeOperand(shape: [Int]) -> Recipe.Operand {
    if case .constant(let scalar) = value.snapshot { return .scalar(scalar) }
    if self.shape == shape && coversValue {
      if value.isPending && value.isWorthKeeping { _ = value.storage() }
      return .value(value)
    }
    let view = view
    return .view(view.viewed(shape: shape, strides: broadcastStrides(self.shape, strides, to: shape)))
  }

  /// A pending operation whose int32 result wraps as 32-bit arithmetic does.
  static func pendingWrapped(
    _ op: PointwiseOp, _ operands: [PointwiseOperand], shape: [Int], dtype: DType, device: Device
  ) -> Tensor {
    let result = pending(op, operands, shape: shape, dtype: dtype, device: device)
    guard dtype == .int32 else { return result }
    return pending(.wrapToInt32, [.tensor(result)], shape: shape, dtype: dtype, device: device)
  }

  /// A pending operation of one floating-point tensor.
  func mapped(_ operation: String, _ op: PointwiseOp) -> Tensor {
    requireFloatingPoint(operation, self)
    return .pending(op, [.tensor(self)], shape: shape, dtype: dtype, device: device)
  }

  /// `mapped` with a derivative: `pullback(gradient, saved)` gives the input's gradient.
  func mapped(
    _ operation: String, _ op: PointwiseOp, saving: Saving, pullback: @escaping @Sendable (Tensor, Saved) -> Tensor
  ) -> Tensor {
    mapped(operation, op).recorded(operation, from: [self], saving: saving) { [pullback($0, $1)] }
  }

  /// `number` as an operand beside this tensor. Literals adopt the tensor's dtype; a fraction beside integers traps.
  func number(_ operation: String, _ number: Float) -> PointwiseOperand {
    .number(Tensor.scalar(operation, number, dtype))
  }
}

/// The shape that two shapes broadcast to: aligned at the last axis, an extent of 1 stretches.
func broadcastShape(_ operation: String, _ a: [Int], _ b: [Int]) -> [Int] {
  if a == b { return a }
  let rank = max(a.count, b.count)
  var shape = [Int](repeating: 1, count: rank)
  for axis in 1...max(rank, 1) where rank > 0 {
    let (x, y) = (axis <= a.count ? a[a.count - axis] : 1, axis <= b.count ? b[b.count - axis] : 1)
    require(x == y || x == 1 || y == 1, "\(operation): shapes \(a) and \(b) do not broadcast to one shape")
    shape[rank - axis] = x == 1 ? y : x
  }
  return shape
}

/// Strides that repeat a view of `shape` over a larger one: 0 where an axis is stretched or added.
func broadcastStrides(_ shape: [Int], _ strides: [Int], to target: [Int]) -> [Int] {
  var result = [Int](repeating: 0, count: target.count)
  let added = target.count - shape.count
  for axis in shape.indices where shape[axis] == target[axis + added] { result[axis + added] = strides[axis] }
  return result
}
