// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A fully connected layer.
///
///     y = activation(x · weightᵀ + bias)
///
/// `x` is `[..., inputs]`, `y` `[..., outputs]`; `weight` is `[outputs, inputs]`, `bias` `[outputs]`.
public struct Linear: Layer {
  public let weight: Parameter
  public let bias: Parameter?
  public let activation: Activation

  /// - Parameters:
  ///   - bias: whether a bias is added.
  ///   - activation: applied before the product is stored, which saves a pass over memory.
  ///   - initializer: of the weight; by default uniform in `±1 / sqrt(inputs)`.
  ///   - biasInitializer: by default uniform in `±1 / sqrt(inputs)`.
  ///   - generator: what the values are drawn from.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, activation: Activation = .none,
    initializer: Initializer = .standard, biasInitializer: Initializer? = nil, generator: RandomGenerator = .shared
  ) {
    require(inputs > 0 && outputs > 0, "Linear: sizes must be positive, got \(inputs) inputs and \(outputs) outputs")
    (weight, self.bias) = makeWeights(
      [outputs, inputs], bias: bias, initializer: initializer, biasInitializer: biasInitializer, generator: generator)
    self.activation = activation
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    linear(x, weight.value, bias?.value, activation: activation)
  }
}

/// The weight and bias of a linear or convolution layer, drawn in this order.
func makeWeights(
  _ shape: [Int], bias: Bool, initializer: Initializer, biasInitializer: Initializer?, generator: RandomGenerator
) -> (weight: Parameter, bias: Parameter?) {
  let weight = Parameter(initializer(shape, generator: generator), name: "weight")
  guard bias else { return (weight, nil) }
  let bound = 1 / Float(Initializer.fans(of: shape).input).squareRoot()
  let initializer = biasInitializer ?? .uniform(-bound, bound)
  return (weight, Parameter(initializer([shape[0]], generator: generator), name: "bias"))
}
