// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Divides each element of `[N, channels, ...]` by a power of the mean square of its neighbours in other channels; see
/// `localResponseNorm`.
public struct LocalResponseNorm: Layer {
  /// How many channels the sum of squares runs over.
  public let size: Int
  /// The factor of their mean square.
  public let alpha: Float
  /// The power.
  public let beta: Float
  /// What is added to the mean square times `alpha`.
  public let k: Float

  /// Normalization over `size` neighbouring channels.
  ///
  /// - Precondition: `size` is positive.
  public init(size: Int, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 1) {
    require(size > 0, "LocalResponseNorm: the size must be positive, got \(size)")
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.k = k
  }

  /// Same shape and dtype as `x`; no different in training and in inference.
  ///
  /// - Precondition: `x` is `[N, channels, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    localResponseNorm(x, size: size, alpha: alpha, beta: beta, k: k)
  }
}

/// Scales vectors along one axis to length 1; see `l2Normalized`.
public struct L2Norm: Layer {
  /// The axis; negative counts from the end.
  public let axis: Int
  /// Vectors shorter than this are divided by it.
  public let epsilon: Float

  /// Normalization along an axis.
  ///
  /// - Parameter epsilon: vectors shorter than this are divided by it.
  public init(axis: Int = -1, epsilon: Float = 1e-12) {
    self.axis = axis
    self.epsilon = epsilon
  }

  /// Same shape and dtype as `x`; no different in training and in inference.
  ///
  /// - Precondition: `x` has the axis.
  public func callAsFunction(_ x: Tensor) -> Tensor { l2Normalized(x, axis: axis, epsilon: epsilon) }
}
