// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Normalizes groups of channels of each image of `[N, channels, ...]`; see `groupNorm`.
public struct GroupNorm: Layer {
  /// Groups of neighbouring channels; mean and variance run over one group and all positions of an image.
  public let groups: Int
  /// The scale of each channel, `[channels]`, ones at first; nil for a layer that only normalizes.
  public let weight: Parameter?
  /// The shift of each channel, `[channels]`, zeros at first; nil for a layer that only normalizes.
  public let bias: Parameter?
  /// What is added to the variance before its root is taken.
  public let epsilon: Float
  private let channels: Int

  /// Normalization of `channels` channels in `groups` groups.
  ///
  /// - Parameters:
  ///   - epsilon: added to the variance before its root is taken.
  ///   - affine: whether the result is scaled and shifted by trained parameters.
  /// - Precondition: `groups` divides `channels`, and both are positive.
  public init(_ channels: Int, groups: Int, epsilon: Float = 1e-5, affine: Bool = true) {
    require(
      groups > 0 && channels % groups == 0,
      "GroupNorm: \(channels) channels must be a multiple of groups, which is \(groups)")
    (weight, bias) = makeNormWeights("GroupNorm", [channels], affine: affine)
    self.groups = groups
    self.epsilon = epsilon
    self.channels = channels
  }

  /// Same shape and dtype as `x`; no different in training and in inference.
  ///
  /// - Precondition: `x` is `[N, channels, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    checkChannels("GroupNorm", x, channels)
    return groupNorm(x, groups: groups, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
  }
}

/// Normalizes each channel of each image of `[N, channels, ...]` by itself; see `instanceNorm`.
public struct InstanceNorm: Layer {
  /// The scale of each channel, `[channels]`, ones at first; nil for a layer that only normalizes.
  public let weight: Parameter?
  /// The shift of each channel, `[channels]`, zeros at first; nil for a layer that only normalizes.
  public let bias: Parameter?
  /// What is added to the variance before its root is taken.
  public let epsilon: Float
  private let channels: Int

  /// Normalization of `channels` channels, each by itself.
  ///
  /// - Parameters:
  ///   - epsilon: added to the variance before its root is taken.
  ///   - affine: whether the result is scaled and shifted by trained parameters, which it is not by default.
  /// - Precondition: `channels` is positive.
  public init(_ channels: Int, epsilon: Float = 1e-5, affine: Bool = false) {
    // The size is checked there, whether or not there are weights.
    (weight, bias) = makeNormWeights("InstanceNorm", [channels], affine: affine)
    self.epsilon = epsilon
    self.channels = channels
  }

  /// Same shape and dtype as `x`; no different in training and in inference.
  ///
  /// - Precondition: `x` is `[N, channels, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    checkChannels("InstanceNorm", x, channels)
    return instanceNorm(x, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
  }
}

private func checkChannels(_ layer: String, _ x: Tensor, _ channels: Int) {
  require(
    x.rank >= 2 && x.shape[1] == channels, "\(layer): input must be [N, \(channels), ...], got \(x.shape)")
}
