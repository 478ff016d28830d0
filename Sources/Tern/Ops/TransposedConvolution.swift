// SPDX-License-Identifier: MIT
import TernRuntime

/// Two-dimensional transposed convolution: the gradient of `conv2d` with respect to its input, used forward.
///
///     y[n, o, i * stride + u * dilation - padding, …]
///       = bias[o] + sum over c, i, u of x[n, c, i, …] * weight[c, o, u, …]
///
/// It is computed by the backward pass of the convolution, so by whatever algorithm is best for that; its own gradients
/// are a convolution and a convolution's weight gradient. Any order of derivative exists. Zeiler, Krishnan, Taylor,
/// Fergus: "Deconvolutional networks", 2010.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - weight: `[C, O / groups, kH, kW]`: that of the convolution whose input this one computes.
///   - bias: `[O]`.
///   - stride: rows and columns of the result from one element of `x` to the next.
///   - padding: rows and columns taken away on each side of the result.
///   - outputPadding: rows and columns added at the bottom and the right, where several sizes of an input have results
///     of one size.
///   - dilation: rows and columns from one tap of the kernel to the next.
///   - groups: channels are divided into so many independent convolutions.
///   - activation: applied to the sums.
/// - Returns: `[N, O, outH, outW]` with
///   `outH = (H - 1) * stride - 2 * padding + dilation * (kH - 1) + outputPadding + 1`.
/// - Precondition: channels agree, the result is not empty, and `outputPadding` is below stride or dilation.
public func convTranspose2d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Pair = 1, padding: Pair = 0, outputPadding: Pair = 0,
  dilation: Pair = 1, groups: Int = 1, activation: Activation = .none
) -> Tensor {
  transposedConvolve(
    "convTranspose2d", x, weight, bias, stride: stride, padding: padding, outputPadding: outputPadding,
    dilation: dilation, groups: groups, activation)
}

/// One-dimensional transposed convolution: `convTranspose2d` of images one row high.
///
/// - Parameters:
///   - x: `[N, C, L]`.
///   - weight: `[C, O / groups, k]`.
///   - bias: `[O]`.
///   - stride: elements of the result from one element of `x` to the next.
///   - padding: elements taken away at each end of the result.
///   - outputPadding: elements added at the end.
///   - dilation: elements from one tap of the kernel to the next.
///   - groups: channels are divided into so many independent convolutions.
///   - activation: applied to the sums.
/// - Returns: `[N, O, outL]` with `outL = (L - 1) * stride - 2 * padding + dilation * (k - 1) + outputPadding + 1`.
/// - Precondition: channels agree, the result is not empty, and `outputPadding` is below stride or dilation.
public func convTranspose1d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
  dilation: Int = 1, groups: Int = 1, activation: Activation = .none
) -> Tensor {
  require(x.rank == 3, "convTranspose1d: input must be [N, C, L], got \(x.shape)")
  require(weight.rank == 3, "convTranspose1d: weight must be [C, O/groups, k], got \(weight.shape)")
  return transposedConvolve(
    "convTranspose1d", x.expanded(at: 2), weight.expanded(at: 2), bias, stride: Pair(1, stride),
    padding: Pair(0, padding), outputPadding: Pair(0, outputPadding), dilation: Pair(1, dilation), groups: groups,
    activation
  ).squeezed(at: 2)
}

private func transposedConvolve(
  _ name: String, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, stride: Pair, padding: Pair, outputPadding: Pair,
  dilation: Pair, groups: Int, _ activation: Activation
) -> Tensor {
  require(x.rank == 4, "\(name): input must be [N, C, H, W], got \(x.shape)")
  require(weight.rank == 4, "\(name): weight must be [C, O/groups, kH, kW], got \(weight.shape)")
  requireTransposedChannels(name, x, weight, bias, groups)
  let rows = TransposedAxis(
    name, input: x.shape[2], kernel: weight.shape[2], stride: stride.height, padding: padding.height,
    outputPadding: outputPadding.height, dilation: dilation.height)
  let columns = TransposedAxis(
    name, input: x.shape[3], kernel: weight.shape[3], stride: stride.width, padding: padding.width,
    outputPadding: outputPadding.width, dilation: dilation.width)
  let geometry = ConvolutionGeometry(
    name, input: [x.shape[0], weight.shape[1] * groups, rows.covered, columns.covered], weight: weight.shape,
    stride: (stride.height, stride.width),
    padding: (padding.height, rows.padEnd, padding.width, columns.padEnd),
    dilation: (dilation.height, dilation.width), groups: groups)
  let y = columns.completed(rows.completed(inputGradient(geometry, x, weight), along: 2), along: 3)
  return activation(withChannelBias(y, bias))
}

func requireTransposedChannels(_ name: String, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ groups: Int) {
  require(
    groups >= 1 && weight.shape[0] == x.shape[1] && x.shape[1] % groups == 0,
    "\(name): input \(x.shape) has \(x.shape[1]) channels, weight \(weight.shape) takes \(weight.shape[0]); "
      + "both must be the same multiple of groups, which is \(groups)")
  requireBias(name, bias, outputs: weight.shape[1] * groups, of: weight)
}

/// `y` `[N, O, ...]` plus a number for each channel.
func withChannelBias(_ y: Tensor, _ bias: Tensor?) -> Tensor {
  guard let bias else { return y }
  return y + bias.reshaped(to: [1, bias.count] + [Int](repeating: 1, count: y.rank - 2))
}

/// One axis of a transposed convolution, seen as an axis of the convolution that it is the gradient of.
struct TransposedAxis {
  /// The size of the result.
  let output: Int
  /// What the convolution reads of it; behind that are zeros, where `outputPadding` is larger than `padding`.
  let covered: Int
  /// The convolution's zeros behind the axis. They are so many that its windows end where the padded axis does.
  let padEnd: Int

  init(
    _ name: String, input: Int, kernel: Int, stride: Int, padding: Int, outputPadding: Int, dilation: Int
  ) {
    require(
      stride >= 1 && dilation >= 1 && padding >= 0 && outputPadding >= 0 && outputPadding < max(stride, dilation),
      "\(name): stride \(stride) and dilation \(dilation) must be at least 1, padding \(padding) at least 0, and "
        + "outputPadding \(outputPadding) at least 0 and below one of the first two")
    let span = dilation * (kernel - 1) + 1
    let full = (input - 1) * stride + span
    output = full - 2 * padding + outputPadding
    covered = output - max(0, outputPadding - padding)
    padEnd = max(0, padding - outputPadding)
    require(
      input >= 1 && output >= 1,
      "\(name): input size \(input), kernel \(kernel), stride \(stride), dilation \(dilation) reach \(full); padding "
        + "\(padding) and outputPadding \(outputPadding) leave a result of size \(output), expected at least 1")
    require(
      covered >= 1,
      "\(name): padding \(padding) takes away all \(full) elements that input \(input) and kernel \(kernel) reach, and "
        + "only outputPadding \(outputPadding) is left; expected padding below \(full)")
  }

  /// The convolution's input with the zeros behind it.
  func completed(_ y: Tensor, along axis: Int) -> Tensor {
    guard covered < output else { return y }
    var shape = y.shape
    shape[axis] = output
    return AxisSlice(axis: axis, start: 0, count: covered, step: 1).embed(y, in: shape)
  }
}
