// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// The parameters of one recurrent layer in one direction; see `RecurrentWeights` for their shapes.
public struct RecurrentParameters: Module {
  /// Multiplies the input.
  public let inputWeight: Parameter
  /// Multiplies the state.
  public let hiddenWeight: Parameter
  /// Added to the product with the input; nil without biases.
  public let inputBias: Parameter?
  /// Added to the product with the state; nil without biases.
  public let hiddenBias: Parameter?

  /// Drawn in the order of the properties, all uniform in `±1 / sqrt(units)` unless an initializer is given.
  init(
    _ layer: String, gates: Int, features: Int, units: Int, bias: Bool, initializer: Initializer?,
    generator: RandomGenerator
  ) {
    require(
      features > 0 && units > 0, "\(layer): sizes must be positive, got \(features) features and \(units) units")
    let bound = 1 / Float(units).squareRoot()
    let uniform = Initializer.uniform(-bound, bound)
    func draw(_ shape: [Int], _ name: String, _ initializer: Initializer) -> Parameter {
      Parameter(initializer(shape, generator: generator), name: name)
    }
    inputWeight = draw([gates * units, features], "inputWeight", initializer ?? uniform)
    hiddenWeight = draw([gates * units, units], "hiddenWeight", initializer ?? uniform)
    inputBias = bias ? draw([gates * units], "inputBias", uniform) : nil
    hiddenBias = bias ? draw([gates * units], "hiddenBias", uniform) : nil
  }

  /// The present values.
  public var weights: RecurrentWeights {
    RecurrentWeights(
      input: inputWeight.value, hidden: hiddenWeight.value, inputBias: inputBias?.value, hiddenBias: hiddenBias?.value)
  }
}

/// One of several recurrent layers: its direction, or both.
public struct RecurrentDirections: Module {
  /// From the first step to the last.
  public let forward: RecurrentParameters
  /// From the last step to the first; nil in a network of one direction.
  public let backward: RecurrentParameters?

  /// The present values, one direction or two.
  public var weights: [RecurrentWeights] { [forward.weights] + (backward.map { [$0.weights] } ?? []) }
}

/// Layers for `features` numbers at each step.
func makeRecurrentLayers(
  _ layer: String, gates: Int, features: Int, units: Int, layers: Int, bidirectional: Bool, bias: Bool, dropout: Float,
  initializer: Initializer?, generator: RandomGenerator
) -> [RecurrentDirections] {
  require(layers >= 1, "\(layer): needs at least one layer, got \(layers)")
  require((0..<1).contains(dropout), "\(layer): dropout must be in 0 ..< 1, got \(dropout)")
  return (0..<layers).map { index in
    func make() -> RecurrentParameters {
      RecurrentParameters(
        layer, gates: gates, features: index == 0 ? features : units * (bidirectional ? 2 : 1), units: units,
        bias: bias,
        initializer: initializer, generator: generator)
    }
    return RecurrentDirections(forward: make(), backward: bidirectional ? make() : nil)
  }
}
