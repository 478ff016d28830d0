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
/// one. In inference the running statistics are used. Second derivatives exist.
///
/// The sum with a shortcut and the rectifier behind it cost no pass of their own when the layer is told of them:
///
///     let h = bn1(conv1(x), activation: .relu)
///     let y = bn2(conv2(h), adding: shortcut(x), activation: .relu)
///
/// Use `BatchNorm1D`, `BatchNorm2D` or `BatchNorm3D`, which check the rank of their input.
public class BatchNorm: Layer {
  /// The scale of each channel, `[features]`, ones at first; nil for a layer that only normalizes.
  public let weight: Parameter?
  /// The shift of each channel, `[features]`, zeros at first; nil for a layer that only normalizes.
  public let bias: Parameter?
  /// The mean of each channel in inference, `[features]`, zeros at first.
  public let runningMean: Buffer
  /// The variance of each channel in inference, `[features]`, ones at first.
  public let runningVariance: Buffer
  /// The share of a batch in the running statistics: 0.1 remembers about the last ten.
  public let momentum: Float
  /// What is added to the variance before its root is taken.
  public let epsilon: Float

  fileprivate init(_ features: Int, momentum: Float, epsilon: Float, affine: Bool) {
    (weight, bias) = makeNormWeights("BatchNorm", [features], affine: affine)
    runningMean = Buffer(Tensor.zeros([features]), name: "runningMean")
    runningVariance = Buffer(Tensor.ones([features]), name: "runningVariance")
    self.momentum = momentum
    self.epsilon = epsilon
  }

  /// The layer without a shortcut and an activation.
  ///
  /// - Returns: same shape and dtype as `x`.
  /// - Precondition: `x` is `[N, features, ...]`, in training with more than one value for each feature.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, activation: .none) }

  /// The layer, then the sum with `residual`, then `activation`, in one pass over memory.
  ///
  /// - Parameter residual: of the input's shape.
  /// - Precondition: `x` is `[N, features, ...]`, in training with more than one value for each feature.
  public func callAsFunction(
    _ x: Tensor, adding residual: Tensor? = nil, activation: Activation
  ) -> Tensor {
    checkRank(x)
    let features = runningMean.shape[0]
    require(x.shape[1] == features, "\(Self.self): axis 1 must have \(features) features, got \(x.shape)")
    var statistics = RunningStatistics(mean: runningMean.value, variance: runningVariance.value)
    switch Mode.current {
    case .training:
      require(
        x.count > features,
        "\(Self.self): training needs more than one value for each feature, got an input of shape \(x.shape)")
      let y = batchNorm(
        x, weight: weight?.value, bias: bias?.value, adding: residual, activation: activation, epsilon: epsilon,
        updating: &statistics, momentum: momentum)
      runningMean.value = statistics.mean
      runningVariance.value = statistics.variance
      return y
    case .inference:
      return batchNorm(
        x, weight: weight?.value, bias: bias?.value, adding: residual, activation: activation, epsilon: epsilon,
        using: statistics)
    }
  }

  func checkRank(_ x: Tensor) {}
}

/// Batch normalization of `[N, features]` or `[N, features, length]`.
public final class BatchNorm1D: BatchNorm {
  /// Normalization of `features` channels, which begins as the identity on data of mean 0 and variance 1.
  ///
  /// - Parameters:
  ///   - momentum: the share of the new batch in the running statistics, 0 ... 1.
  ///   - epsilon: added to the variance before its root is taken.
  ///   - affine: whether the result is scaled and shifted by trained parameters.
  /// - Precondition: `features` is positive.
  public override init(_ features: Int, momentum: Float = 0.1, epsilon: Float = 1e-5, affine: Bool = true) {
    super.init(features, momentum: momentum, epsilon: epsilon, affine: affine)
  }

  override func checkRank(_ x: Tensor) {
    require(x.rank == 2 || x.rank == 3, "BatchNorm1D: input must be [N, C] or [N, C, L], got \(x.shape)")
  }
}

/// Batch normalization of `[N, features, H, W]`.
public final class BatchNorm2D: BatchNorm {
  /// Normalization of `features` channels, which begins as the identity on data of mean 0 and variance 1.
  ///
  /// - Parameters:
  ///   - momentum: the share of the new batch in the running statistics, 0 ... 1.
  ///   - epsilon: added to the variance before its root is taken.
  ///   - affine: whether the result is scaled and shifted by trained parameters.
  /// - Precondition: `features` is positive.
  public override init(_ features: Int, momentum: Float = 0.1, epsilon: Float = 1e-5, affine: Bool = true) {
    super.init(features, momentum: momentum, epsilon: epsilon, affine: affine)
  }

  override func checkRank(_ x: Tensor) {
    require(x.rank == 4, "BatchNorm2D: input must be [N, C, H, W], got \(x.shape)")
  }
}

/// Batch normalization of `[N, features, D, H, W]`.
public final class BatchNorm3D: BatchNorm {
  /// Normalization of `features` channels, which begins as the identity on data of mean 0 and variance 1.
  ///
  /// - Parameters:
  ///   - momentum: the share of the new batch in the running statistics, 0 ... 1.
  ///   - epsilon: added to the variance before its root is taken.
  ///   - affine: whether the result is scaled and shifted by trained parameters.
  /// - Precondition: `features` is positive.
  public override init(_ features: Int, momentum: Float = 0.1, epsilon: Float = 1e-5, affine: Bool = true) {
    super.init(features, momentum: momentum, epsilon: epsilon, affine: affine)
  }

  override func checkRank(_ x: Tensor) {
    require(x.rank == 5, "BatchNorm3D: input must be [N, C, D, H, W], got \(x.shape)")
  }
}

/// The scale, of ones, and the shift, of zeros, that a normalization starts with; none unless `affine`.
func makeNormWeights(_ layer: String, _ shape: [Int], affine: Bool) -> (weight: Parameter?, bias: Parameter?) {
  require(
    !shape.isEmpty && shape.allSatisfy { $0 > 0 }, "\(layer): the shape of the weights must be positive, got \(shape)")
  guard affine else { return (nil, nil) }
  return (
    Parameter(Tensor.ones(shape), name: "weight", keepsFloat32: true),
    Parameter(Tensor.zeros(shape), name: "bias", keepsFloat32: true)
  )
}
