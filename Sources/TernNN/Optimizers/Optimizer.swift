// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A rule that changes parameters along their gradients.
///
/// A new one states its slots and, for one parameter, the new value as an expression of pointwise operations. All
/// parameters' expressions run together, as one launch where the device allows. Numbers that change from step to step
/// (the learning rate, bias corrections) enter as `Float`s, so that the compiled kernel stays the same.
///
/// Parameters of half types are updated in Float32: the state keeps a *master* of each, to which the update is applied,
/// and the parameter becomes the master, rounded. Steps that are too small to move a half number thus add up
/// (Micikevicius et al.: "Mixed precision training", 2018). Where something else has changed an element of the
/// parameter since, the master follows it.
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
  /// All arguments are Float32, whatever the parameter is stored in.
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
      let ownedState = state.entries[name]?.soleOwnedTensors() ?? []
      var entry = state.entries[name] ?? OptimizerState.Entry()
      let value = parameter.value
      let master = try entry.currentMaster(of: value)
      var slots = try startedSlots(entry.slots, for: value, called: name)
      let result = updated(
        name, master ?? value, gradient: gradient.cast(to: .float32), slots: &slots, step: entry.steps + 1)
      entry = OptimizerState.Entry(steps: entry.steps + 1, slots: slots, master: master == nil ? nil : result)
      let newValue = result.cast(to: value.dtype)
      groups.append([newValue] + (entry.master.map { [$0] } ?? []) + slots)
      owned.append([ownsValue ? value : nil] + ownedState)
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
      return slotNames.map { _ in Tensor.zeros(value.shape, on: value.device).evaluated() }
    }
    require(
      slots.count == slotNames.count && slots[0].shape == value.shape,
      "\(Self.self): the state of '\(name)' has \(slots.count) tensors of shape \(slots[0].shape), "
        + "the parameter needs \(slotNames.count) of \(value.shape)")
    return try slots.map { try $0.on(value.device).cast(to: .float32) }
  }
}

extension OptimizerState.Entry {
  /// What an update of a parameter starts from: Float32, and what the parameter is when rounded. Nil for a Float32
  /// parameter, which is its own master.
  ///
  /// Elements that something else has set since the last update (a file, a limit on weights, another model's average)
  /// differ from their rounded master, and take its place.
  fileprivate func currentMaster(of value: Tensor) throws -> Tensor? {
    if value.dtype == .float32 { return nil }
    // In memory, so that the first step is the same program as all others.
    let master = try master?.on(value.device) ?? value.cast(to: .float32).evaluated()
    return `where`(master.cast(to: value.dtype) .== value, master, value.cast(to: .float32))
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
