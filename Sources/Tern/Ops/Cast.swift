// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// The same numbers in another dtype: rounded to the nearest, truncated towards zero for integers; bool is `x != 0`.
  /// Gradients flow between floating-point types.
  public func cast(to target: DType) -> Tensor {
    if target == dtype { return self }
    let old = dtype
    return converted(to: target).recorded("cast", from: [self], saving: .none) { gradient, _ in
      [gradient.cast(to: old)]
    }
  }

  private func converted(to target: DType) -> Tensor {
    func pending(_ x: Tensor, _ op: PointwiseOp) -> Tensor {
      .pending(op, [.tensor(x)], shape: shape, dtype: target, device: device)
    }
    switch (dtype.isFloatingPoint, target) {
    case (true, .float16): return pending(self, .roundToHalf)
    case (true, .bfloat16): return pending(self, .roundToBFloat16)
    case (true, .float32): return pending(self, .copyReal)
    case (true, .bool), (true, .int64), (true, .int32): return pending(self, .conversion(to: target))
    case (false, .float32): return pending(self, .integerToReal)
    case (false, .float16): return pending(pending(self, .integerToReal), .roundToHalf)
    case (false, .bfloat16): return pending(pending(self, .integerToReal), .roundToBFloat16)
    case (false, .int32): return pending(self, .wrapToInt32)
    case (false, .int64): return pending(self, .copyInteger)
    case (false, .bool):
      return .pending(
        .integerNotEqual, [.tensor(self), .number(.integer(0))], shape: shape, dtype: .bool, device: device)
    }
  }

  /// The same numbers on another device. Waits for the source device if it is not the target.
  ///
  /// - Throws: what went wrong on the source device.
  public func on(_ target: Device) throws -> Tensor {
    if target == device { return self }
    let source = device
    let bytes = try contiguous().bytes()
    let moved = bytes.withUnsafeBytes { Tensor.uploaded($0, shape, dtype, target) }
    return moved.recorded("on", from: [self], saving: .none) { gradient, _ in
      do {
        return [try gradient.on(source)]
      } catch {
        trap("on: the gradient could not be moved to \(source): \(error)")
      }
    }
  }
}
