// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A layer of two inputs: `y[o] = sum over i, j of a[i] * weight[o, i, j] * b[j] + bias[o]`.
public struct Bilinear: Module {
  /// One matrix for each output, `[outputs, I, J]`.
  public let weight: Parameter
  /// What is added to each output, `[outputs]`; nil without a bias.
  public let bias: Parameter?

  /// A layer with new weights, drawn before the bias.
  ///
  /// - Parameters:
  ///   - first: features of the first input, I.
  ///   - second: features of the second input, J.
  ///   - outputs: features of the result.
  ///   - bias: whether a bias is added.
  ///   - initializer: of the weight; by default uniform in `±1 / sqrt(I)`.
  ///   - generator: what the values are drawn from.
  /// - Precondition: all sizes are positive.
  public init(
    _ first: Int, _ second: Int, _ outputs: Int, bias: Bool = true, initializer: Initializer? = nil,
    generator: RandomGenerator = .shared
  ) {
    require(
      first > 0 && second > 0 && outputs > 0,
      "Bilinear: sizes must be positive, got \(first) and \(second) inputs and \(outputs) outputs")
    let bound = 1 / Float(first).squareRoot()
    let uniform = Initializer.uniform(-bound, bound)
    weight = Parameter((initializer ?? uniform)([outputs, first, second], generator: generator), name: "weight")
    self.bias = bias ? Parameter(uniform([outputs], generator: generator), name: "bias") : nil
  }

  /// `[..., outputs]` of `[..., I]` and `[..., J]`.
  public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor { bilinear(a, b, weight.value, bias?.value) }
}
