// SPDX-License-Identifier: MIT
import Tern

/// Compares the gradients of a loss with respect to all trainable parameters of a model with double-sided differences;
/// see `gradientCheck(of:at:)` of `Tern`.
///
///     print(try gradientCheck(of: model) { crossEntropy(model(x), labels) })
///
/// Random generators of the model begin anew at each evaluation, so that dropout in training mode takes the same masks;
/// these and the model's buffers are left as they were.
///
/// - Parameters:
///   - model: a module whose parameters are Float32.
///   - mode: what the model runs in.
///   - step: the change of a parameter of size up to 1, and relative to larger ones.
///   - elementsPerTensor: how many elements of each parameter are compared, evenly spread; all when nil.
///   - order: 1 for the gradient, 2 for the gradient of the gradient.
///   - loss: computes one number from the model.
/// - Throws: what `loss` throws or the device reports.
public func gradientCheck(
  of model: some Module, mode: Mode = .inference, step: Float = 1e-2, elementsPerTensor: Int? = 30,
  order: Int = 1, _ loss: () throws -> Tensor
) throws -> GradientCheck {
  let contents = model.contents()
  let trainable = contents.parameters.trainable
  let cells = trainable.map(\.parameter)
  let values = cells.map(\.cellValue)
  let buffers = contents.buffers.map { (cell: $0.buffer, value: $0.buffer.value) }
  let generators = ([RandomGenerator.shared] + contents.generators.map(\.generator)).map { ($0, $0.state) }
  func restore() {
    for (generator, state) in generators { generator.state = state }
    for (cell, value) in buffers { cell.value = value }
  }
  for cell in cells { cell.openScope() }
  defer {
    for (cell, value) in zip(cells, values) { cell.closeScope(restoring: value) }
    restore()
  }
  return try gradientCheck(
    of: { leaves in
      restore()
      for (cell, leaf) in zip(cells, leaves) { cell.substitute(leaf) }
      return try GradientScope.$owner.withValue(contents.parameters.owner) { try loss() }
    }, at: values, names: trainable.map(\.name), mode: mode, step: step, elementsPerTensor: elementsPerTensor,
    order: order)
}
