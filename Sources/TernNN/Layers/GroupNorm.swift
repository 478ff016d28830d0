// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Normalizes groups of channels of each image of `[N, channels, ...]`; see `groupNorm`.
public struct GroupNorm: Layer {
  public let groups: Int
  /// Scale and shift of each channel, `[channels]`; nil for a layer that only normalizes.
  public let weight: Parameter?
  public let bias: Parameter?
  public let epsilon: Float
  private let channels: Int

  /// - Parameter affine: whether the result is scaled and shifted by trained parameters.
  /// - Precondition: `groups` divides `channels`.
  public init(_ channels: Int, groups: Int, epsilon: Float = 1e-5, affine: Bool = true) {
    require(
      groups > 0 && channels % groups == 0,
      "GroupNorm: \(channels) channels must be a multiple of groups, which is \(groups)")
    (weight, bias) = makeNormWeights("GroupNorm", [channels], affine: affine)
    self.groups = groups
    self.epsilon = epsilon
    self.channels = channels
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    checkChannels("GroupNorm", x, channels)
    return groupNorm(x, groups: groups, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
  }
}

/// Normalizes each channel of each image of `[N, channels, ...]` by itself; see `instanceNorm`.
public struct InstanceNorm: Layer {
  /// Scale and shift of each channel, `[channels]`; nil for a layer that only normalizes.
  public let weight: Parameter?
  public let bias: Parameter?
  public let epsilon: Float
  private let channels: Int

  /// - Parameter affine: whether the result is scaled and shifted by trained parameters.
  public init(_ channels: Int, epsilon: Float = 1e-5, affine: Bool = false) {
    // The size is checked there, whether or not there are weights.
    (weight, bias) = makeNormWeights("InstanceNorm", [channels], affine: affine)
    self.epsilon = epsilon
    self.channels = channels
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    checkChannels("InstanceNorm", x, channels)
    return instanceNorm(x, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
  }
}

private func checkChannels(_ layer: String, _ x: Tensor, _ channels: Int) {
  require(
    x.rank >= 2 && x.shape[1] == channels, "\(layer): input must be [N, \(channels), ...], got \(x.shape)")
}
