// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A rule that changes parameters along their gradients.
///
/// A new one states its slots and, for one parameter, the new value as an expression of pointwise operations. All
/// parameters' expressions run together, as one launch where the device allows. Numbers that change from step to step
/// (the learning rate, bias corrections) enter as `Float`s, so that the compiled kernel stays the same.
///
/// Updates go down. To go up, negate the gradients, which costs nothing: `update(model, with: gradients * -1)`.
public protocol Optimizer {
  /// The step size of the next update. Schedules set it.
  var learningRate: Double { get set }
  /// What is remembered between updates.
  var state: OptimizerState { get set }
  /// Names of the tensors remembered of each parameter, as checkpoints spell them.
  var slotNames: [String] { get }

  /// The value after one update: an expression of the arguments, which keeps none of them beyond the call.
  ///
  /// - Parameters:
  ///   - slots: one tensor for each of `slotNames`, zeros at the first step; replaced by their new values.
  ///   - step: 1 for the parameter's first update.
  func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor

  /// The same for the parameter of that name, for optimizers that treat some differently than others. Unless an
  /// optimizer says otherwise, the name makes no difference.
  func updated(
    _ name: String, _ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int
  ) -> Tensor
}

extension Optimizer {
  public func updated(
    _ name: String, _ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int
  ) -> Tensor {
    updated(value, gradient: gradient, slots: &slots, step: step)
  }

  /// Replaces each parameter that has a gradient by its new value. The gradients bring the parameters along, so the
  /// model is not walked again.
  ///
  /// - Throws: what goes wrong while state moves to a device that the model has moved to; otherwise nothing.
  /// - Precondition: the gradients are those of `model`'s parameters.
  public mutating func update(_ model: some Module, with gradients: Gradients) throws {
    try update(gradients.parameters, with: gradients)
  }

  /// Replaces each of some parameters by its new value, in the same memory where nobody else holds the old one.
  ///
  /// - Throws: what goes wrong while state moves to a device that the parameters have moved to.
  /// - Precondition: each trainable one of `parameters` has a gradient.
  public mutating func update(_ parameters: ParameterList, with gradients: Gradients) throws {
    var groups: [[Tensor]] = []
    var owned: [[Tensor?]] = []
    var updates: [(name: String, parameter: Parameter, value: Tensor, entry: OptimizerState.Entry)] = []
    groups.reserveCapacity(parameters.count)
    updates.reserveCapacity(parameters.count)
    for (index, (name, parameter)) in parameters.trainable.enumerated() {
      let gradient = gradients.value(at: index, of: parameter, called: name)
      // Asked before anything here makes a copy.
      let ownsValue = parameter.ownsValueAlone
      let ownedSlots = state.entries[name]?.soleOwnedSlots() ?? []
      var entry = state.entries[name] ?? OptimizerState.Entry()
      let value = parameter.value
      var slots = try startedSlots(entry.slots, for: value, called: name)
      let newValue = updated(name, value, gradient: gradient, slots: &slots, step: entry.steps + 1)
      entry = OptimizerState.Entry(steps: entry.steps + 1, slots: slots)
      groups.append([newValue] + slots)
      owned.append([ownsValue ? value : nil] + ownedSlots)
      updates.append((name, parameter, newValue, entry))
    }
    Tensor.evaluate(groups, overwriting: owned)
    for (name, parameter, value, entry) in updates {
      parameter.value = value
      state.entries[name] = entry
    }
  }

  /// The slots on the parameter's device, zeros if there are none yet.
  private func startedSlots(_ slots: [Tensor], for value: Tensor, called name: String) throws -> [Tensor] {
    if slots.isEmpty {
      // In memory, not as a constant: else the first step would be a program of its own.
      return slotNames.map { _ in Tensor.zeros(value.shape, dtype: value.dtype, on: value.device).evaluated() }
    }
    require(
      slots.count == slotNames.count && slots[0].shape == value.shape,
      "\(Self.self): the state of '\(name)' has \(slots.count) tensors of shape \(slots[0].shape), "
        + "the parameter needs \(slotNames.count) of \(value.shape)")
    return try slots.map { try $0.on(value.device) }
  }
}

extension Gradients {
  /// The gradient of a parameter, which is usually the one at its position in the list.
  fileprivate func value(at index: Int, of parameter: Parameter, called name: String) -> Tensor {
    if index < parameters.count, parameters[index].parameter === parameter { return values[index] }
    guard let value = self[parameter] else {
      trap(
        "Optimizer.update: parameter '\(name)' \(parameter.shape) has no gradient; were they taken of another model?")
    }
    return value
  }
}
