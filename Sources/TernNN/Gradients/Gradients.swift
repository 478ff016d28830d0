// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// One gradient for each trainable parameter of a model.
///
/// Values may still be pending: clipping and scaling fuse into the optimizer's update.
public struct Gradients {
  /// The parameters that the gradients belong to, in the order of `values`.
  public let parameters: ParameterList
  public private(set) var values: [Tensor]

  /// - Precondition: one value for each parameter, of its shape.
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

  public subscript(name: String) -> Tensor? { parameters.position(of: name).map { values[$0] } }

  public subscript(parameter: Parameter) -> Tensor? {
    parameters.firstIndex { $0.parameter === parameter }.map { values[$0] }
  }

  /// Each gradient replaced by a function of it.
  public func map(_ transform: (_ name: String, _ gradient: Tensor) throws -> Tensor) rethrows -> Gradients {
    Gradients(parameters: parameters, values: try zip(parameters, values).map { try transform($0.name, $1) })
  }

  /// The elementwise sum of two sets of gradients of the same parameters, for accumulation over small batches.
  public static func + (a: Gradients, b: Gradients) -> Gradients {
    require(
      a.parameters.elementsEqual(b.parameters) { $0.parameter === $1.parameter },
      "Gradients: the summands belong to different parameters")
    return Gradients(parameters: a.parameters, values: zip(a.values, b.values).map(+))
  }

  public static func * (a: Gradients, factor: Float) -> Gradients { a.map { $1 * factor } }
}
