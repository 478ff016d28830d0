// SPDX-License-Identifier: MIT
import TernRuntime

/// Normalizes every row over its last axes (Ba, Kiros, Hinton: "Layer normalization", 2016).
///
///     y = (x - mean) / sqrt(variance + epsilon) * weight + bias
///
/// - Parameters:
///   - x: floating point.
///   - trailingAxes: how many of the last axes mean and variance run over.
///   - weight: of the shape of these axes, of `x`'s dtype or Float32.
///   - bias: likewise.
/// - Returns: same shape and dtype as `x`; computed in Float32. Differentiable twice.
/// - Precondition: `trailingAxes` is in `1 ... x.rank`.
public func layerNorm(
  _ x: Tensor, trailingAxes: Int = 1, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5
) -> Tensor {
  normalizedRows("layerNorm", x, trailingAxes, weight, bias, epsilon, centers: true)
}

/// Divides every row by the root of its mean square (Zhang, Sennrich: "Root mean square layer normalization", 2019).
///
///     y = x / sqrt(mean(x²) + epsilon) * weight
///
/// Parameters, result and precondition are those of `layerNorm`.
public func rmsNorm(
  _ x: Tensor, trailingAxes: Int = 1, weight: Tensor? = nil, epsilon: Float = 1e-6
) -> Tensor {
  normalizedRows("rmsNorm", x, trailingAxes, weight, nil, epsilon, centers: false)
}

/// Normalizes groups of channels of each image (Wu, He: "Group normalization", 2018).
///
///     y = (x - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]
///
/// - Parameters:
///   - x: `[N, channels, ...]`, floating point.
///   - groups: neighbouring channels form so many groups; mean and variance run over a group and all positions.
///   - weight: `[channels]`, of `x`'s dtype or Float32.
///   - bias: likewise.
/// - Returns: same shape and dtype as `x`; computed in Float32. Differentiable twice.
/// - Precondition: `groups` divides the channels.
public func groupNorm(
  _ x: Tensor, groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5
) -> Tensor {
  let plan = RowNormalization("groupNorm", x.shape, groups: groups, epsilon: epsilon)
  return normalizedRows("groupNorm", x, plan, weight, bias, weightShape: [x.shape[1]])
}

/// Normalizes each channel of each image by itself (Ulyanov, Vedaldi, Lempitsky: "Instance normalization: the missing
/// ingredient for fast stylization", 2016): `groupNorm` with one channel a group.
public func instanceNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5
) -> Tensor {
  require(x.rank >= 2, "instanceNorm: input must be [N, C, ...], got \(x.shape)")
  let plan = RowNormalization("instanceNorm", x.shape, groups: max(1, x.shape[1]), epsilon: epsilon)
  return normalizedRows("instanceNorm", x, plan, weight, bias, weightShape: [x.shape[1]])
}

private func normalizedRows(
  _ operation: String, _ x: Tensor, _ trailingAxes: Int, _ weight: Tensor?, _ bias: Tensor?, _ epsilon: Float,
  centers: Bool
) -> Tensor {
  require(
    trailingAxes >= 1 && trailingAxes <= x.rank,
    "\(operation): trailingAxes must be in 1 ... \(x.rank) for input \(x.shape), got \(trailingAxes)")
  let plan = RowNormalization(operation, x.shape, trailing: trailingAxes, epsilon: epsilon, centers: centers)
  return normalizedRows(operation, x, plan, weight, bias, weightShape: Array(x.shape.suffix(trailingAxes)))
}

private func normalizedRows(
  _ operation: String, _ x: Tensor, _ plan: RowNormalization, _ weight: Tensor?, _ bias: Tensor?, weightShape: [Int]
) -> Tensor {
  requireFloatingPoint(operation, x)
  checkNormWeight(operation, "weight", weight, weightShape, x)
  checkNormWeight(operation, "bias", bias, weightShape, x)
  let inputs = [x] + [weight, bias].compactMap { $0 }
  let device = Tensor.commonDevice(operation, inputs)
  let y = Tensor.empty(x.shape, dtype: x.dtype, on: device)
  let deviation = Tensor.empty([plan.rows], dtype: .float32, on: device)
  let mean = plan.centers ? Tensor.empty([plan.rows], dtype: .float32, on: device) : nil
  device.backend.rowNormalization(
    plan, x.view, weight: weight?.view, bias: bias?.view,
    into: RowNormalization.Results(y: y.view, mean: mean?.view, deviation: deviation.view))
  let pullback = RowNormPullback(plan: plan, weightShape: weightShape, weight: weight?.dtype, bias: bias?.dtype)
  let saved = [x, deviation] + [mean, weight].compactMap { $0 }
  return y.recorded(operation, from: inputs, saving: .tensors(saved)) { pullback($0, $1) }
}

/// Traps unless a weight or bias fits.
func checkNormWeight(_ operation: String, _ name: String, _ weight: Tensor?, _ shape: [Int], _ x: Tensor) {
  guard let weight else { return }
  require(
    weight.shape == shape && (weight.dtype == x.dtype || weight.dtype == .float32),
    "\(operation): the \(name) must be \(shape), \(x.dtype) or float32, for input \(x.shape), "
      + "got \(weight.dtype) \(weight.shape)")
}

private struct RowNormPullback: Sendable {
  let plan: RowNormalization
  let weightShape: [Int]
  /// Dtypes of weight and bias, where there are any.
  let weight, bias: DType?

  /// - Parameter saved: x, deviation, the mean if the plan centers, the weight if there is one.
  func callAsFunction(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let biasPlace = weight == nil ? 1 : 2
    let found = saved.createsGraph ? composed(gradient, saved) : computed(gradient, saved, biasPlace)
    var result = [found.dx]
    if let weight { result.append(found.dWeight?.reshaped(to: weightShape).cast(to: weight)) }
    if let bias { result.append(found.dBias?.reshaped(to: weightShape).cast(to: bias)) }
    return result
  }

  private typealias Found = (dx: Tensor?, dWeight: Tensor?, dBias: Tensor?)

  private func computed(_ gradient: Tensor, _ saved: Saved, _ biasPlace: Int) -> Found {
    let x = saved[0]
    func empty(_ shape: [Int], _ dtype: DType) -> Tensor { .empty(shape, dtype: dtype, on: x.device) }
    let dx = saved.needs(0) ? empty(x.shape, x.dtype) : nil
    let dWeight = weight != nil && saved.needs(1) ? empty([plan.weightCount], .float32) : nil
    let dBias = bias != nil && saved.needs(biasPlace) ? empty([plan.weightCount], .float32) : nil
    x.device.backend.rowNormalizationGradient(
      plan,
      RowNormalization.Saved(
        x: x.view, weight: weight.map { _ in saved.tensors.last!.view }, mean: plan.centers ? saved[2].view : nil,
        deviation: saved[1].view),
      dy: gradient.view,
      into: RowNormalization.Gradients(dx: dx?.view, dWeight: dWeight?.view, dBias: dBias?.view))
    return (dx, dWeight, dBias)
  }

  /// The same of differentiable operations.
  private func composed(_ gradient: Tensor, _ saved: Saved) -> Found {
    composedNormGradient(
      saved[0], weight: weight.map { _ in saved.tensors.last! }, gradient: gradient,
      shape: [plan.rows / max(1, plan.groups), plan.groups, plan.channels, plan.spread],
      weightShape: [1, plan.groups, plan.channels, 1], axes: [2, 3], epsilon: plan.epsilon, centers: plan.centers)
  }
}

/// The gradients of a normalization from differentiable operations, for second derivatives: from the input and the
/// gradient seen as `shape`, normalized over `axes`, with a weight of `weightShape` that broadcasts.
///
/// - Returns: `dx` as `x` is, the others Float32 of `weightShape`.
func composedNormGradient(
  _ x: Tensor, weight: Tensor?, gradient: Tensor, shape: [Int], weightShape: [Int], axes: [Int], epsilon: Float,
  centers: Bool
) -> (dx: Tensor, dWeight: Tensor, dBias: Tensor) {
  func mean(_ tensor: Tensor) -> Tensor { tensor.mean(along: axes, keepingDimensions: true) }
  let values = x.cast(to: .float32).reshaped(to: shape)
  let upstream = gradient.cast(to: .float32).reshaped(to: shape)
  let centered = centers ? values - mean(values) : values
  let deviation = rsqrt(mean(square(centered)) + epsilon)
  let z = centered * deviation
  let g = weight.map { upstream * $0.cast(to: .float32).reshaped(to: weightShape) } ?? upstream
  let inner = g - z * mean(g * z)
  let dx = deviation * (centers ? inner - mean(g) : inner)
  let shared = weightShape.indices.filter { weightShape[$0] == 1 }
  return (
    dx.reshaped(to: x.shape).cast(to: x.dtype), (upstream * z).sum(along: shared, keepingDimensions: true),
    upstream.sum(along: shared, keepingDimensions: true)
  )
}
