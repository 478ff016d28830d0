// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Normalizes every row over the last axes; see `layerNorm`.
///
/// `weight` and `bias` have the shape of these axes.
public struct LayerNorm: Layer {
  /// Extents of the last axes of the input, over which rows are normalized.
  public let shape: [Int]
  /// The scale, of `shape`, ones at first; nil for a layer that only normalizes.
  public let weight: Parameter?
  /// The shift, of `shape`, zeros at first; nil without one.
  public let bias: Parameter?
  /// What is added to the variance before its root is taken.
  public let epsilon: Float

  /// Normalization over the last axes: `LayerNorm(768)`.
  ///
  /// - Parameters:
  ///   - shape: extents of the last axes, over which rows are normalized.
  ///   - epsilon: added to the variance before its root is taken.
  ///   - affine: whether the result is scaled and shifted by trained parameters.
  ///   - bias: whether it is shifted, if it is scaled.
  /// - Precondition: there is an extent, and all are positive.
  public init(_ shape: Int..., epsilon: Float = 1e-5, affine: Bool = true, bias: Bool = true) {
    self.init(shape: shape, epsilon: epsilon, affine: affine, bias: bias)
  }

  /// The same with the extents in an array.
  public init(shape: [Int], epsilon: Float = 1e-5, affine: Bool = true, bias: Bool = true) {
    let made = makeNormWeights("LayerNorm", shape, affine: affine)
    self.shape = shape
    weight = made.weight
    self.bias = bias ? made.bias : nil
    self.epsilon = epsilon
  }

  /// Same shape and dtype as `x`.
  ///
  /// - Precondition: the last axes of `x` have the layer's shape.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    checkTrailing("LayerNorm", x, shape)
    return layerNorm(
      x, trailingAxes: shape.count, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
  }
}

/// Divides every row over the last axes by the root of its mean square; see `rmsNorm`.
///
/// `weight` has the shape of these axes.
public struct RMSNorm: Layer {
  /// Extents of the last axes of the input, over which rows are normalized.
  public let shape: [Int]
  /// The scale, of `shape`, ones at first; nil for a layer that only normalizes.
  public let weight: Parameter?
  /// What is added to the mean square before its root is taken.
  public let epsilon: Float

  /// Normalization over the last axes: `RMSNorm(768)`.
  ///
  /// - Parameters:
  ///   - shape: extents of the last axes, over which rows are normalized.
  ///   - epsilon: added to the mean square before its root is taken.
  ///   - affine: whether the result is scaled by a trained parameter.
  /// - Precondition: there is an extent, and all are positive.
  public init(_ shape: Int..., epsilon: Float = 1e-6, affine: Bool = true) {
    self.init(shape: shape, epsilon: epsilon, affine: affine)
  }

  /// The same with the extents in an array.
  public init(shape: [Int], epsilon: Float = 1e-6, affine: Bool = true) {
    self.shape = shape
    weight = makeNormWeights("RMSNorm", shape, affine: affine).weight
    self.epsilon = epsilon
  }

  /// Same shape and dtype as `x`.
  ///
  /// - Precondition: the last axes of `x` have the layer's shape.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    checkTrailing("RMSNorm", x, shape)
    return rmsNorm(x, trailingAxes: shape.count, weight: weight?.value, epsilon: epsilon)
  }
}

private func checkTrailing(_ layer: String, _ x: Tensor, _ shape: [Int]) {
  require(
    x.rank >= shape.count && Array(x.shape.suffix(shape.count)) == shape,
    "\(layer): the last axes of the input must be \(shape), got \(x.shape)")
}
