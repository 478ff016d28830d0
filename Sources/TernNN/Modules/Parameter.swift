// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A trainable tensor of a model: a cell, so that copies of a layer share it and an optimizer can replace its value.
///
/// The gradient with respect to it exists only inside `valueAndGradients(of:)`, where reading `value` gives a leaf of
/// the differentiation. A trainable parameter that is read there but does not belong to the model traps by name, since
/// it would silently stay as it is; freeze it with `isTrainable = false` if that is what you want.
public final class Parameter {
  private var stored: Tensor
  /// Gradient scopes open at the moment that this parameter is a leaf of.
  private var openScopes = 0

  /// The dotted name that the last walk over a model gave (`blocks.0.weight`), or the one from the initializer.
  public internal(set) var name: String
  /// Whether gradients are taken and optimizers change the value. Frozen parameters are still saved.
  public var isTrainable = true
  /// Whether `Module.cast(to:)` leaves the value in Float32, as scales and shifts of normalizations want it.
  public let keepsFloat32: Bool

  /// A trainable cell that holds a tensor.
  ///
  /// - Parameters:
  ///   - value: a floating-point tensor.
  ///   - name: what messages call it until a walk over its model finds the full name.
  ///   - keepsFloat32: for layers that take it in Float32 beside inputs of a half type.
  public init(_ value: Tensor, name: String = "parameter", keepsFloat32: Bool = false) {
    require(value.dtype.isFloatingPoint, "Parameter '\(name)': must be floating point, got \(value.dtype)")
    stored = value.detached()
    self.name = name
    self.keepsFloat32 = keepsFloat32
  }

  /// The shape of the value, which never changes.
  public var shape: [Int] { stored.shape }

  /// The present value; inside a gradient scope, the leaf to differentiate.
  ///
  /// Setting it replaces the value for all that share the cell.
  /// - Precondition: a new value has the old shape, is floating point, and is not set inside a gradient scope.
  public var value: Tensor {
    get {
      if openScopes == 0, isTrainable, let owner = GradientScope.owner {
        trap(
          "Parameter '\(name)' \(shape) takes part in valueAndGradients(of: \(owner)), but is not found in that model; "
            + "keep it (or its layer) in a property of the model, or freeze it with isTrainable = false")
      }
      return stored
    }
    set {
      require(
        openScopes == 0,
        "Parameter '\(name)': the value was set inside valueAndGradients; use a Buffer for running state")
      require(
        newValue.shape == stored.shape, "Parameter '\(name)': the shape is \(stored.shape), got \(newValue.shape)")
      require(
        newValue.dtype.isFloatingPoint, "Parameter '\(name)': must be floating point, got \(newValue.dtype)")
      stored = newValue.detached()
    }
  }

  /// Whether nothing but this cell can see the value's memory.
  var ownsValueAlone: Bool { openScopes == 0 && stored.isSoleOwner() }

  /// The value whatever scope is open.
  var cellValue: Tensor { stored }

  func openScope() { openScopes += 1 }

  /// Lets `value` be the leaf until `closeScope`.
  func substitute(_ leaf: Tensor) { stored = leaf }

  func closeScope(restoring value: Tensor) {
    stored = value
    openScopes -= 1
  }
}
