// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Normalizes each channel over the batch (Ioffe, Szegedy: "Batch normalization: accelerating deep network training by
/// reducing internal covariate shift", 2015).
///
///     y = (x - mean) / sqrt(variance + epsilon) * weight + bias
///
/// In training, mean and variance are those of the batch and all positions of the channel, the variance divided by the
/// count; the running statistics move by `momentum` towards the batch's, with the variance divided by the count less
/// one. In inference the running statistics are used. Composed of differentiable operations, so second derivatives exist.
///
/// Use `BatchNorm1D` or `BatchNorm2D`, which check the rank of their input.
public class BatchNorm: Layer {
  /// Scale and shift of each channel, `[features]`; nil for a layer that only normalizes.
  public let weight: Parameter?
  public let bias: Parameter?
  public let runningMean: Buffer
  public let runningVariance: Buffer
  public let momentum: Float
  public let epsilon: Float

  fileprivate init(_ features: Int, momentum: Float, epsilon: Float, affine: Bool) {
    require(features > 0, "BatchNorm: the number of features must be positive, got \(features)")
    weight = affine ? Parameter(Tensor.ones([features]), name: "weight") : nil
    bias = affine ? Parameter(Tensor.zeros([features]), name: "bias") : nil
    runningMean = Buffer(Tensor.zeros([features]), name: "runningMean")
    runningVariance = Buffer(Tensor.ones([features]), name: "runningVariance")
    self.momentum = momentum
    self.epsilon = epsilon
  }

  /// - Precondition: `x` is `[N, features, ...]`, in training with more than one value for each feature.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    checkRank(x)
    let features = runningMean.shape[0]
    require(x.shape[1] == features, "\(Self.self): axis 1 must have \(features) features, got \(x.shape)")
    let shape = x.shape.indices.map { $0 == 1 ? features : 1 }  // broadcasts over [N, features, ...]
    let mean: Tensor
    let variance: Tensor
    switch Mode.current {
    case .training:
      let axes = x.shape.indices.filter { $0 != 1 }
      mean = x.mean(along: axes, keepingDimensions: true)
      variance = x.variance(along: axes, keepingDimensions: true)
      updateStatistics(mean, variance, count: x.count / features, of: x.shape)
    case .inference:
      mean = runningMean.value.reshaped(to: shape)
      variance = runningVariance.value.reshaped(to: shape)
    }
    let normalized = (x - mean) * rsqrt(variance + epsilon)
    guard let weight, let bias else { return normalized }
    return normalized * weight.value.reshaped(to: shape) + bias.value.reshaped(to: shape)
  }

  func checkRank(_ x: Tensor) {}

  /// Forces the new statistics: nobody may read them for thousands of steps, and pending values would pile up.
  private func updateStatistics(_ mean: Tensor, _ variance: Tensor, count: Int, of shape: [Int]) {
    require(
      count > 1, "\(Self.self): training needs more than one value for each feature, got an input of shape \(shape)")
    let unbiased = variance.detached().flattened() * (Float(count) / Float(count - 1))
    let newMean = runningMean.value * (1 - momentum) + mean.detached().flattened() * momentum
    let newVariance = runningVariance.value * (1 - momentum) + unbiased * momentum
    Tensor.evaluate([[newMean, newVariance]])
    runningMean.value = newMean
    runningVariance.value = newVariance
  }
}

/// Batch normalization of `[N, features]` or `[N, features, length]`.
public final class BatchNorm1D: BatchNorm {
  /// - Parameters:
  ///   - momentum: the share of the new batch in the running statistics.
  ///   - affine: whether the result is scaled and shifted by trained parameters.
  public override init(_ features: Int, momentum: Float = 0.1, epsilon: Float = 1e-5, affine: Bool = true) {
    super.init(features, momentum: momentum, epsilon: epsilon, affine: affine)
  }

  override func checkRank(_ x: Tensor) {
    require(x.rank == 2 || x.rank == 3, "BatchNorm1D: input must be [N, C] or [N, C, L], got \(x.shape)")
  }
}

/// Batch normalization of `[N, features, H, W]`.
public final class BatchNorm2D: BatchNorm {
  /// - Parameters:
  ///   - momentum: the share of the new batch in the running statistics.
  ///   - affine: whether the result is scaled and shifted by trained parameters.
  public override init(_ features: Int, momentum: Float = 0.1, epsilon: Float = 1e-5, affine: Bool = true) {
    super.init(features, momentum: momentum, epsilon: epsilon, affine: affine)
  }

  override func checkRank(_ x: Tensor) {
    require(x.rank == 4, "BatchNorm2D: input must be [N, C, H, W], got \(x.shape)")
  }
}
