// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// One gradient for each trainable parameter of a model.
///
/// Values may still be pending: clipping and scaling fuse into the optimizer's update.
public struct Gradients {
  /// The parameters that the gradients belong to, in the order of `values`.
  public let parameters: ParameterList
  /// The gradients, each of its parameter's shape.
  public private(set) var values: [Tensor]

  /// Gradients from elsewhere than a gradient scope.
  ///
  /// - Precondition: there is one value for each parameter, of its shape.
  public init(parameters: ParameterList, values: [Tensor]) {
    require(
      parameters.count == values.count, "Gradients: \(parameters.count) parameters, but \(values.count) gradients")
    for ((name, parameter), value) in zip(parameters, values) {
      require(
        parameter.shape == value.shape, "Gradients: '\(name)' has shape \(parameter.shape), its gradient \(value.shape)"
      )
    }
    self.parameters = parameters
    self.values = values
  }

  /// The gradient of the parameter of that name; nil when there is none, or the parameter was frozen.
  public subscript(name: String) -> Tensor? { parameters.position(of: name).map { values[$0] } }

  /// The gradient of a parameter; nil when there is none, or the parameter was frozen. Takes time in proportion to the
  /// number of parameters.
  public subscript(parameter: Parameter) -> Tensor? {
    parameters.firstIndex { $0.parameter === parameter }.map { values[$0] }
  }

  /// Each gradient replaced by a function of it.
  public func map(_ transform: (_ name: String, _ gradient: Tensor) throws -> Tensor) rethrows -> Gradients {
    Gradients(parameters: parameters, values: try zip(parameters, values).map { try transform($0.name, $1) })
  }

  /// Every gradient in another floating-point type. Those of half types add up better in Float32.
  public func cast(to dtype: DType) -> Gradients { map { $1.cast(to: dtype) } }

  /// The elementwise sum of two sets of gradients of the same parameters, for accumulation over small batches.
  public static func + (a: Gradients, b: Gradients) -> Gradients {
    require(
      a.parameters.elementsEqual(b.parameters) { $0.parameter === $1.parameter },
      "Gradients: the summands belong to different parameters")
    return Gradients(parameters: a.parameters, values: zip(a.values, b.values).map(+))
  }

  /// Every gradient times a number: `1 / n` makes the mean of a sum over `n` batches.
  public static func * (a: Gradients, factor: Float) -> Gradients { a.map { $1 * factor } }
}
