// SPDX-License-Identifier: MIT
import TernRuntime

/// What a function with a derivative of its own keeps in memory until the backward pass.
public enum CustomSaving: Sendable, Hashable {
  /// Nothing: the pullback needs the gradient alone.
  case none
  /// The inputs.
  case inputs
  /// The result.
  case output
  /// The inputs and the result.
  case inputsAndOutput

  fileprivate func saving(_ inputs: [Tensor]) -> Saving {
    switch self {
    case .none: .none
    case .inputs: .inputs
    case .output: .output
    case .inputsAndOutput: .tensorsAndOutput(inputs)
    }
  }
}

/// What the pullback of `customGradient` finds again. Derivatives of the gradient flow through these tensors.
public struct CustomSaved: Sendable {
  private let saved: Saved
  private let saving: CustomSaving
  private let name: String

  fileprivate init(_ saved: Saved, _ saving: CustomSaving, _ name: String) {
    (self.saved, self.saving, self.name) = (saved, saving, name)
  }

  /// The inputs.
  ///
  /// - Precondition: they are saved.
  public var inputs: [Tensor] {
    require(saving == .inputs || saving == .inputsAndOutput, "\(name): the inputs were not saved, but \(saving)")
    return saved.tensors
  }

  /// The function's result.
  ///
  /// - Precondition: it is saved.
  public var output: Tensor {
    require(saving == .output || saving == .inputsAndOutput, "\(name): the output was not saved, but \(saving)")
    return saved.output
  }

  /// Whether anybody asked for the gradient of an input; else the pullback may return nil for it.
  public func needsGradient(of input: Int) -> Bool { saved.needs(input) }
}

/// A function with a derivative of your own: for one that rounds, a gradient that is scaled or clipped on its way back,
/// or a formula that is more exact or takes less memory than that of the parts.
///
///     let y = customGradient(at: [x], saving: .none) {
///       round($0[0])
///     } pullback: { gradient, _ in
///       [gradient]                           // straight through, as if it had not been rounded
///     }
///
/// The pullback is made of tensor operations, and so has a derivative itself, from `gradient` and what was saved; what
/// it captures counts as constant. One that is not, since it computes on the host say, is `isDifferentiableTwice:
/// false`; then a gradient with `createGraph: true` traps with the name.
///
/// - Parameters:
///   - inputs: what the result depends on, on one device. The gradient flows to nothing else that `function` uses.
///   - name: what messages call the function.
///   - saving: what the pullback needs of inputs and result.
///   - isDifferentiableTwice: whether the pullback consists of differentiable operations.
///   - function: computes a floating-point result. Nothing inside is recorded.
///   - pullback: gets the gradient of the result, in its shape, and gives one for each input in the input's shape and
///     dtype; nil for none.
/// - Returns: what `function` returns.
public func customGradient(
  at inputs: [Tensor], name: String = "customGradient", saving: CustomSaving = .inputs,
  isDifferentiableTwice: Bool = true, _ function: ([Tensor]) throws -> Tensor,
  pullback: @escaping @Sendable (_ gradient: Tensor, _ saved: CustomSaved) -> [Tensor?]
) rethrows -> Tensor {
  require(!inputs.isEmpty, "\(name): needs at least one input")
  _ = Tensor.commonDevice(name, inputs)
  let result = try function(inputs.map { $0.detached() }).detached()
  require(
    result.dtype.isFloatingPoint && result.device == inputs[0].device,
    "\(name): the result must be floating point on \(inputs[0].device), got \(result.dtype) on \(result.device)")
  let expected = inputs.map { ($0.shape, $0.dtype) }
  return result.recorded(
    name, from: inputs, saving: saving.saving(inputs), isDifferentiableTwice: isDifferentiableTwice
  ) { gradient, saved in
    let gradients = pullback(gradient, CustomSaved(saved, saving, name))
    require(
      gradients.count == expected.count,
      "\(name): the pullback must give \(expected.count) gradients, one for each input, got \(gradients.count)")
    for (place, found) in gradients.enumerated() {
      guard let found else { continue }
      let (shape, dtype) = expected[place]
      require(
        found.shape == shape && found.dtype == dtype && found.device == gradient.device,
        "\(name): the gradient of input \(place) must be \(dtype) \(shape) on \(gradient.device), got \(found.dtype) "
          + "\(found.shape) on \(found.device)")
    }
    return gradients
  }
}

/// A function of one tensor with a derivative of your own; see `customGradient` for several, which this calls.
public func customGradient(
  at x: Tensor, name: String = "customGradient", saving: CustomSaving = .inputs, isDifferentiableTwice: Bool = true,
  _ function: (Tensor) throws -> Tensor,
  pullback: @escaping @Sendable (_ gradient: Tensor, _ saved: CustomSaved) -> Tensor
) rethrows -> Tensor {
  func first(_ inputs: [Tensor]) throws -> Tensor { try function(inputs[0]) }
  return try customGradient(
    at: [x], name: name, saving: saving, isDifferentiableTwice: isDifferentiableTwice, first
  ) { [pullback($0, $1)] }
}
