// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A fully connected layer.
///
///     y = activation(x · weightᵀ + bias)
///
/// `x` is `[..., inputs]`, `y` `[..., outputs]`; `weight` is `[outputs, inputs]`, `bias` `[outputs]`.
public struct Linear: Layer {
  /// The matrix, `[outputs, inputs]`: one row for each output.
  public let weight: Parameter
  /// What is added to each output, `[outputs]`; nil without a bias.
  public let bias: Parameter?
  /// What is applied to the sum.
  public let activation: Activation

  /// A layer with new weights, drawn before the bias.
  ///
  /// - Parameters:
  ///   - bias: whether a bias is added.
  ///   - activation: applied before the product is stored, which saves a pass over memory.
  ///   - initializer: of the weight; by default uniform in `±1 / sqrt(inputs)`.
  ///   - biasInitializer: by default uniform in `±1 / sqrt(inputs)`.
  ///   - generator: what the values are drawn from.
  /// - Precondition: both sizes are positive.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, activation: Activation = .none,
    initializer: Initializer = .standard, biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    require(inputs > 0 && outputs > 0, "Linear: sizes must be positive, got \(inputs) inputs and \(outputs) outputs")
    (weight, self.bias) = makeWeights(
      [outputs, inputs], bias: bias, initializer: initializer, biasInitializer: biasInitializer, generator: generator)
    self.activation = activation
  }

  /// `[..., outputs]` of `[..., inputs]`.
  ///
  /// - Precondition: the last axis of `x` has the layer's inputs.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    linear(x, weight.value, bias?.value, activation: activation)
  }
}

/// The weight and bias of a linear or convolution layer, drawn in this order.
///
/// - Parameter outputs: numbers of the bias; the weight's first extent when nil.
func makeWeights(
  _ shape: [Int], outputs: Int? = nil, bias: Bool, initializer: Initializer, biasInitializer: Initializer?,
  generator: RandomGenerator
) -> (weight: Parameter, bias: Parameter?) {
  let weight = Parameter(initializer(shape, generator: generator), name: "weight")
  guard bias else { return (weight, nil) }
  let bound = 1 / Float(Initializer.fans(of: shape).input).squareRoot()
  let initializer = biasInitializer ?? .uniform(-bound, bound)
  return (weight, Parameter(initializer([outputs ?? shape[0]], generator: generator), name: "bias"))
}
