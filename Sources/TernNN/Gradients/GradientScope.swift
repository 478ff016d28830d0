// SPDX-License-Identifier: MIT
import Tern

/// The gradient scope in force on this task, as `Parameter` sees it.
enum GradientScope {
  /// The type of the model whose gradients are being taken; nil outside.
  @TaskLocal static var owner: String?
}

/// The value of a loss and its gradients with respect to all trainable parameters of a model.
///
///     let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(model(batch.inputs), batch.labels) }
///     try optimizer.update(model, with: gradients)
///
/// Scopes nest: an inner one may differentiate the same parameters or others.
///
/// - Parameters:
///   - model: walked once for its parameters; a loop may take `model.parameters()` once and pass that.
///   - mode: whether layers behave as in training; `.inference` freezes dropout and batch statistics.
///   - createGraph: records the gradients' own computation, for second derivatives in an outer scope.
///   - loss: computes one number from the model.
/// - Precondition: `loss` uses no trainable parameter outside the model, and returns one element.
public func valueAndGradients(
  of model: some Module, mode: Mode = .training, createGraph: Bool = false, _ loss: () throws -> Tensor
) rethrows -> (value: Tensor, gradients: Gradients) {
  try valueAndGradients(of: model.parameters(), mode: mode, createGraph: createGraph, loss)
}

/// The value of a loss and its gradients with respect to the trainable ones of some parameters.
public func valueAndGradients(
  of parameters: ParameterList, mode: Mode = .training, createGraph: Bool = false, _ loss: () throws -> Tensor
) rethrows -> (value: Tensor, gradients: Gradients) {
  let trainable = parameters.trainable
  let cells = trainable.map(\.parameter)
  let values = cells.map(\.cellValue)
  for cell in cells { cell.openScope() }
  defer { for (cell, value) in zip(cells, values) { cell.closeScope(restoring: value) } }
  let (value, gradients) = try valueAndGradients(at: values, mode: mode, createGraph: createGraph) { leaves in
    for (cell, leaf) in zip(cells, leaves) { cell.substitute(leaf) }
    return try GradientScope.$owner.withValue(parameters.owner) { try loss() }
  }
  return (value, Gradients(parameters: trainable, values: gradients))
}
