// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// Runs an operation on the device of its inputs and, if one of them is part of a gradient scope, records it.
  ///
  /// - Parameters:
  ///   - operation: the name that messages use.
  ///   - inputs: all tensors that the gradient can flow to; all on one device.
  ///   - saving: what the pullback needs.
  ///   - isDifferentiableTwice: whether the pullback consists of differentiable operations only.
  ///   - compute: fills `y`, which is dense, from the inputs' views.
  static func record(
    _ operation: String, shape: [Int], dtype: DType, from inputs: [Tensor], saving: Saving,
    isDifferentiableTwice: Bool = true, compute: (any Backend, [StridedView], StridedView) -> Void,
    pullback: @escaping Pullback
  ) -> Tensor {
    let device = commonDevice(operation, inputs)
    let storage = device.backend.allocate(byteCount: elementCount(shape) * dtype.byteCount)
    compute(device.backend, inputs.map(\.view), StridedView(storage, dtype, shape: shape))
    let result = Tensor(Value(device, dtype, shape, .ready(storage)))
    return result.recorded(
      operation, from: inputs, saving: saving, isDifferentiableTwice: isDifferentiableTwice, pullback: pullback)
  }

  /// This result with a node that leads to `inputs`, if one of them has a node itself.
  func recorded(
    _ operation: String, from inputs: [Tensor], saving: Saving, isDifferentiableTwice: Bool = true,
    pullback: @escaping Pullback
  ) -> Tensor {
    guard dtype.isFloatingPoint, inputs.contains(where: { $0.node != nil }) else { return self }
    if let block = Recomputation.unrecorded {
      block.note(inputs)
      return detached()
    }
    let node = Node(
      operation, inputs: inputs, saving: saving, output: self, isDifferentiableTwice: isDifferentiableTwice,
      pullback: pullback)
    return attached(to: node)
  }

  /// The device that all tensors share.
  static func commonDevice(_ operation: String, _ tensors: [Tensor]) -> Device {
    let device = tensors[0].device
    for tensor in tensors.dropFirst() {
      require(
        tensor.device == device,
        "\(operation): tensors are on \(device) and \(tensor.device); move one with x.on(device)")
    }
    return device
  }

  /// Traps unless all tensors have one dtype.
  static func commonDType(_ operation: String, _ tensors: [Tensor]) -> DType {
    let dtype = tensors[0].dtype
    for tensor in tensors.dropFirst() {
      require(
        tensor.dtype == dtype,
        "\(operation): dtypes \(dtype) and \(tensor.dtype) differ; convert one with x.cast(to:)")
    }
    return dtype
  }
}
