// SPDX-License-Identifier: MIT
import TernRuntime

/// Mean and variance of each channel, collected over many batches: Float32 `[channels]`.
public struct RunningStatistics: Sendable {
  /// The mean of each channel, Float32 `[channels]`.
  public var mean: Tensor
  /// The variance of each channel, Float32 `[channels]`, not its root.
  public var variance: Tensor

  /// Statistics to start from, by custom zeros and ones.
  ///
  /// `batchNorm` traps unless both are Float32 `[channels]` on its input's device; nothing is checked here.
  public init(mean: Tensor, variance: Tensor) {
    self.mean = mean
    self.variance = variance
  }
}

/// Batch normalization by the batch's own statistics (Ioffe, Szegedy: "Batch normalization: accelerating deep network
/// training by reducing internal covariate shift", 2015).
///
///     y = activation((x - mean[c]) / sqrt(variance[c] + epsilon) * weight[c] + bias[c] + residual)
///
/// Mean and variance run over all axes but the channels'; the variance is divided by the count. The residual sum and
/// the rectifier cost no further pass over memory, forwards and backwards; other activations are pointwise work.
///
/// - Parameters:
///   - x: `[N, channels, ...]`, floating point.
///   - weight: `[channels]`, of `x`'s dtype or Float32.
///   - bias: `[channels]`, likewise.
///   - residual: of `x`'s shape and dtype, a block's shortcut.
/// - Returns: same shape and dtype as `x`; computed in Float32. Differentiable twice.
/// - Precondition: there is more than one value for each channel.
public func batchNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, adding residual: Tensor? = nil,
  activation: Activation = .none, epsilon: Float = 1e-5
) -> Tensor {
  let operands = BatchNormOperands("batchNorm", x, weight, bias, residual)
  return operands.normalized(activation, epsilon, running: nil).y
}

/// Batch normalization by the batch's own statistics, towards which running statistics move:
///
///     running = (1 - momentum) * running + momentum * batch
///
/// The running variance takes the batch's variance divided by the count less one. The new statistics are computed at
/// once, so that statistics that nobody reads do not pile up.
///
/// - Parameters:
///   - running: is replaced.
///   - momentum: the share of this batch.
public func batchNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, adding residual: Tensor? = nil,
  activation: Activation = .none, epsilon: Float = 1e-5, updating running: inout RunningStatistics,
  momentum: Float = 0.1
) -> Tensor {
  let operands = BatchNormOperands("batchNorm", x, weight, bias, residual)
  operands.check(running)
  let (y, new) = operands.normalized(activation, epsilon, running: (running, momentum))
  running = new!
  return y
}

/// Batch normalization by given statistics, as in inference: pointwise, so that it fuses with its surroundings.
///
///     y = activation((x - mean[c]) / sqrt(variance[c] + epsilon) * weight[c] + bias[c] + residual)
public func batchNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, adding residual: Tensor? = nil,
  activation: Activation = .none, epsilon: Float = 1e-5, using statistics: RunningStatistics
) -> Tensor {
  let operands = BatchNormOperands("batchNorm", x, weight, bias, residual)
  operands.check(statistics)
  let shape = x.shape.indices.map { $0 == 1 ? x.shape[1] : 1 }
  func wide(_ tensor: Tensor) -> Tensor { tensor.cast(to: .float32) }
  func spread(_ list: Tensor) -> Tensor { wide(list).reshaped(to: shape) }
  let deviation = rsqrt(statistics.variance + epsilon)
  let scale = weight.map { deviation * wide($0) } ?? deviation
  // The difference first: a mean far from 0 costs no digits.
  var y = (wide(x) - spread(statistics.mean)) * spread(scale)
  if let bias { y = y + spread(bias) }
  if let residual { y = y + wide(residual) }
  return activation(y).cast(to: x.dtype)
}

/// The tensors of a batch normalization, checked, and where the optional ones stand among them.
private struct BatchNormOperands {
  let operation: String
  let x: Tensor
  let weight, bias, residual: Tensor?
  let device: Device

  init(_ operation: String, _ x: Tensor, _ weight: Tensor?, _ bias: Tensor?, _ residual: Tensor?) {
    (self.operation, self.x, self.weight, self.bias, self.residual) = (operation, x, weight, bias, residual)
    requireFloatingPoint(operation, x)
    require(x.rank >= 2, "\(operation): input must be [N, C, ...], got \(x.shape)")
    checkNormWeight(operation, "weight", weight, [x.shape[1]], x)
    checkNormWeight(operation, "bias", bias, [x.shape[1]], x)
    if let residual {
      require(
        residual.shape == x.shape && residual.dtype == x.dtype,
        "\(operation): the residual must be \(x.dtype) \(x.shape), got \(residual.dtype) \(residual.shape)")
    }
    device = Tensor.commonDevice(operation, [x] + [weight, bias, residual].compactMap { $0 })
  }

  func check(_ statistics: RunningStatistics) {
    for list in [statistics.mean, statistics.variance] {
      require(
        list.shape == [x.shape[1]] && list.dtype == .float32,
        "\(operation): running statistics must be float32 [\(x.shape[1])] for input \(x.shape), "
          + "got \(list.dtype) \(list.shape)")
    }
    _ = Tensor.commonDevice(operation, [x, statistics.mean, statistics.variance])
  }

  func normalized(
    _ activation: Activation, _ epsilon: Float, running: (statistics: RunningStatistics, momentum: Float)?
  ) -> (y: Tensor, running: RunningStatistics?) {
    let plan = BatchNormalization(operation, x.shape, epsilon: epsilon, rectifies: activation == .relu)
    func statistic() -> Tensor { .empty([plan.channels], dtype: .float32, on: device) }
    let y = Tensor.empty(x.shape, dtype: x.dtype, on: device)
    let (mean, deviation) = (statistic(), statistic())
    let new = running.map { _ in RunningStatistics(mean: statistic(), variance: statistic()) }
    device.backend.batchNormalization(
      plan,
      BatchNormalization.Inputs(
        x: x.view, weight: weight?.view, bias: bias?.view, residual: residual?.view,
        running: running.map { ($0.statistics.mean.view, $0.statistics.variance.view, $0.momentum) }),
      into: BatchNormalization.Results(
        y: y.view, mean: mean.view, deviation: deviation.view, running: new.map { ($0.mean.view, $0.variance.view) }))
    let result = recorded(y, mean, deviation, plan)
    return (plan.rectifies ? result : activation(result), new)
  }

  private func recorded(_ y: Tensor, _ mean: Tensor, _ deviation: Tensor, _ plan: BatchNormalization) -> Tensor {
    let inputs = [x] + [weight, bias, residual].compactMap { $0 }
    let pullback = BatchNormPullback(
      plan: plan, weight: weight == nil ? nil : 1, weightType: weight?.dtype,
      bias: bias == nil ? nil : (weight == nil ? 1 : 2), biasType: bias?.dtype,
      residual: residual == nil ? nil : inputs.count - 1)
    let saved = [x, mean, deviation] + (weight.map { [$0] } ?? []) + (plan.rectifies ? [y] : [])
    return y.recorded(operation, from: inputs, saving: .tensors(saved)) { pullback($0, $1) }
  }
}

/// The gradients of a batch normalization; fields other than the plan are places in the list of inputs, and dtypes.
private struct BatchNormPullback: Sendable {
  let plan: BatchNormalization
  let weight: Int?
  let weightType: DType?
  let bias: Int?
  let biasType: DType?
  let residual: Int?

  /// - Parameter saved: x, mean, deviation, the weight if there is one, y if there is a rectifier.
  func callAsFunction(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    var result = [Tensor?](repeating: nil, count: 1 + [weight, bias, residual].compactMap { $0 }.count)
    let found = saved.createsGraph ? composed(gradient, saved) : computed(gradient, saved)
    result[0] = found.dx
    if let weight { result[weight] = found.dWeight.cast(to: weightType!) }
    if let bias { result[bias] = found.dBias.cast(to: biasType!) }
    if let residual { result[residual] = found.dResidual }
    return result
  }

  private typealias Found = (dx: Tensor?, dResidual: Tensor?, dWeight: Tensor, dBias: Tensor)

  private func computed(_ gradient: Tensor, _ saved: Saved) -> Found {
    let x = saved[0]
    func empty(_ shape: [Int], _ dtype: DType) -> Tensor { .empty(shape, dtype: dtype, on: x.device) }
    let splits = plan.rectifies && residual.map(saved.needs) == true
    let dResidual = splits ? empty(x.shape, x.dtype) : nil
    let dx = saved.needs(0) || splits ? empty(x.shape, x.dtype) : nil
    let (dWeight, dBias) = (empty([plan.channels], .float32), empty([plan.channels], .float32))
    x.device.backend.batchNormalizationGradient(
      plan,
      BatchNormalization.Saved(
        x: x.view, y: plan.rectifies ? saved.tensors.last!.view : nil, weight: weight.map { _ in saved[3].view },
        mean: saved[1].view, deviation: saved[2].view),
      dy: gradient.view,
      into: BatchNormalization.Gradients(
        dx: dx?.view, dResidual: dResidual?.view, dWeight: dWeight.view, dBias: dBias.view))
    return (dx, dResidual ?? (plan.rectifies ? nil : gradient), dWeight, dBias)
  }

  /// The same of differentiable operations.
  private func composed(_ gradient: Tensor, _ saved: Saved) -> Found {
    let x = saved[0]
    let passed = plan.rectifies ? Activation.relu.pulledBack(gradient, output: saved.tensors.last!) : gradient
    let found = composedNormGradient(
      x, weight: weight.map { _ in saved[3] }, gradient: passed, shape: [plan.batch, plan.channels, plan.inner],
      weightShape: [1, plan.channels, 1], axes: [0, 2], epsilon: plan.epsilon, centers: true)
    return (found.dx, passed, found.dWeight.flattened(), found.dBias.flattened())
  }
}
