// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// Waiting times: exponentially distributed numbers, with the density `rate * exp(-rate * y)` for `y > 0`.
  ///
  /// Drawn by inversion, `-log(1 - u) / rate`. Small numbers are as finely spaced as Float32 has them; none is greater
  /// than `24 log(2) / rate`, which one number in 17 million would be.
  ///
  /// - Parameters:
  ///   - rate: the reciprocal of the mean.
  ///   - generator: where the numbers come from; two draws.
  /// - Precondition: `rate` is positive and finite.
  public static func randomExponential(
    _ shape: [Int], rate: Float = 1, generator: RandomGenerator = .shared, dtype: DType = .float32,
    on device: Device? = nil
  ) -> Tensor {
    require(rate > 0 && rate.isFinite, "randomExponential: rate must be positive and finite, got \(rate)")
    requireFloatingPoint("randomExponential", dtype: dtype)
    return (waitingTimes(shape, generator, device) / rate).cast(to: dtype)
  }

  /// Laplace-distributed numbers, with the density `exp(-|y - mean| / scale) / (2 * scale)`; their variance is
  /// `2 * scale * scale`.
  ///
  /// - Parameters:
  ///   - mean: where the peak is.
  ///   - scale: the mean distance from the peak.
  ///   - generator: where the numbers come from; four draws.
  /// - Precondition: `scale` is not negative.
  public static func randomLaplace(
    _ shape: [Int], mean: Float = 0, scale: Float = 1, generator: RandomGenerator = .shared,
    dtype: DType = .float32, on device: Device? = nil
  ) -> Tensor {
    require(scale >= 0, "randomLaplace: scale must not be negative, got \(scale)")
    requireFloatingPoint("randomLaplace", dtype: dtype)
    // The difference of two waiting times of the same rate.
    let times = (waitingTimes(shape, generator, device), waitingTimes(shape, generator, device))
    return ((times.0 - times.1) * scale + mean).cast(to: dtype)
  }

  /// Gumbel-distributed numbers, with the distribution function `exp(-exp(-(y - mode) / scale))`: what the greatest of
  /// many numbers looks like. The place of the greatest of `logits + gumbel` is a draw with the probabilities
  /// `softmax(logits)`; see `randomCategories(logits:along:generator:)`.
  ///
  /// Its upper end is as fine as Float32 has it: numbers up to 33 occur, as often as they should.
  ///
  /// - Parameters:
  ///   - mode: where the density is highest.
  ///   - scale: the standard deviation is 1.2825 times as much.
  ///   - generator: where the numbers come from; two draws.
  /// - Precondition: `scale` is not negative.
  public static func randomGumbel(
    _ shape: [Int], mode: Float = 0, scale: Float = 1, generator: RandomGenerator = .shared,
    dtype: DType = .float32, on device: Device? = nil
  ) -> Tensor {
    require(scale >= 0, "randomGumbel: scale must not be negative, got \(scale)")
    requireFloatingPoint("randomGumbel", dtype: dtype)
    return (-log(waitingTimes(shape, generator, device)) * scale + mode).cast(to: dtype)
  }

  /// Ones with the probability that stands at each position, else zeros. Probabilities that are NaN give zeros.
  ///
  /// For one probability for all see `randomMask(_:keeping:generator:dtype:on:)`.
  ///
  /// - Parameters:
  ///   - probabilities: real numbers, 0 to 1; the result has their shape and lies on their device.
  ///   - generator: where the numbers come from; one draw, whose steps are 2^-24.
  ///   - dtype: `bool` or any other.
  public static func randomMask(
    keeping probabilities: Tensor, generator: RandomGenerator = .shared, dtype: DType = .bool
  ) -> Tensor {
    requireFloatingPoint("randomMask", probabilities)
    let numbers = randomUniform(probabilities.shape, generator: generator, on: probabilities.device)
    return (numbers .< probabilities.cast(to: .float32)).cast(to: dtype)
  }

  /// Exponentially distributed numbers of mean 1, all positive.
  private static func waitingTimes(_ shape: [Int], _ generator: RandomGenerator, _ device: Device?) -> Tensor {
    // Steps of 2^-24 alone would make one number in 17 million 0, and all others multiples of 6e-8: too coarse for the
    // least of many. A second number fills the steps, so that the least are multiples of 2^-48.
    let steps = randomUniform(shape, generator: generator, on: device)
    let within = randomUniform(shape, high: 0x1p-24, generator: generator, on: device)
    return -logOnePlus(-clamp(steps + within, min: 0x1p-49, max: 1 - 0x1p-24))
  }
}
