// SPDX-License-Identifier: MIT
import TernRuntime

/// A number for the vertical and one for the horizontal direction; an integer literal sets both.
public struct Pair: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// Of the vertical direction, along axis 2 of `[N, C, H, W]`.
  public var height: Int
  /// Of the horizontal direction, along axis 3.
  public var width: Int

  /// Two numbers. Any are allowed; what takes the pair says which make sense.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
  /// The literal twice.
  public init(integerLiteral value: Int) { self.init(value, value) }
  /// The same number twice.
  public init(_ both: Int) { self.init(both, both) }
}

/// Zeros around an image.
public enum Padding: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// The same on opposite sides.
  case symmetric(Pair)
  /// So many rows and columns of zeros on each side; none is negative.
  case explicit(top: Int, bottom: Int, left: Int, right: Int)
  /// As much as makes the output `ceil(input / stride)`; the odd one goes to the bottom and the right.
  case same

  /// As many zeros on all four sides.
  public init(integerLiteral value: Int) { self = .symmetric(Pair(value)) }

  /// Top, bottom, left, right.
  func amounts(input: [Int], kernel: Pair, stride: Pair, dilation: Pair) -> (Int, Int, Int, Int) {
    switch self {
    case .symmetric(let pad): return (pad.height, pad.height, pad.width, pad.width)
    case .explicit(let top, let bottom, let left, let right): return (top, bottom, left, right)
    case .same:
      guard input.count == 4, stride.height > 0, stride.width > 0 else {
        return (0, 0, 0, 0)  // the geometry says what is wrong
      }
      let (top, bottom) = samePadding(input[2], kernel.height, stride.height, dilation.height)
      let (left, right) = samePadding(input[3], kernel.width, stride.width, dilation.width)
      return (top, bottom, left, right)
    }
  }
}

/// Zeros before and behind an axis that make the output `ceil(size / stride)`; the odd one comes last.
func samePadding(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> (Int, Int) {
  let total = max(0, ((size + stride - 1) / stride - 1) * stride + dilation * (kernel - 1) + 1 - size)
  return (total / 2, total - total / 2)
}

/// Two-dimensional convolution (cross-correlation, as usual in deep learning) and what follows it.
///
///     z[n, o, i, j] = bias[o] + sum over c, u, v of x[n, c, i * stride + u * dilation - pad, …] * weight[o, c, u, v]
///     y = activation(z)
///
/// The activation is applied before the sums are stored, so it costs no pass over memory; see `linear` for those whose
/// gradients keep it from that.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - weight: `[O, C / groups, kH, kW]`.
///   - bias: `[O]`.
///   - groups: channels are divided into so many independent convolutions; `C` groups make it depthwise.
///   - activation: gives the same results as the function of its name behind the convolution.
/// - Returns: `[N, O, outH, outW]` with `outH = (H + padding - dilation * (kH - 1) - 1) / stride + 1`, rounded down.
/// - Precondition: channels agree and the kernel fits the padded input.
public func conv2d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1,
  groups: Int = 1, activation: Activation = .none
) -> Tensor {
  convolve(
    "conv2d", x, weight, bias: bias, stride: stride, padding: padding, dilation: dilation, groups: groups,
    activation: activation)
}

/// `conv2d` by the name of the operation that it is done for.
func convolve(
  _ name: String, _ x: Tensor, _ weight: Tensor, bias: Tensor?, stride: Pair, padding: Padding, dilation: Pair,
  groups: Int, activation: Activation
) -> Tensor {
  let kernel = weight.rank == 4 ? Pair(weight.shape[2], weight.shape[3]) : 1
  let geometry = ConvolutionGeometry(
    name, input: x.shape, weight: weight.shape, stride: (stride.height, stride.width),
    padding: padding.amounts(input: x.shape, kernel: kernel, stride: stride, dilation: dilation),
    dilation: (dilation.height, dilation.width), groups: groups)
  requireBias(name, bias, outputs: weight.shape[0], of: weight)
  let fuses = activation.fuses(withOperationOn: [x, weight] + (bias.map { [$0] } ?? []))
  let y = convolution(geometry, x, weight, bias, fuses ? activation : .none)
  return fuses ? y : activation(y)
}

/// Traps unless a bias, where there is one, has a number for each output channel.
func requireBias(_ name: String, _ bias: Tensor?, outputs: Int, of weight: Tensor) {
  guard let bias else { return }
  require(
    bias.shape == [outputs], "\(name): bias must be [\(outputs)] for weight \(weight.shape), got \(bias.shape)")
}

// The three operations below are, but for the activation, each bilinear, and their derivatives are one another: any
// order of derivative exists.

private func convolution(
  _ geometry: ConvolutionGeometry, _ x: Tensor, _ w: Tensor, _ bias: Tensor? = nil, _ activation: Activation = .none
) -> Tensor {
  let inputs = [x, w] + (bias.map { [$0] } ?? [])
  return .record(
    "conv2d", shape: geometry.outputShape, dtype: checkedDType(inputs), from: inputs,
    saving: activation == .none ? .tensors([x, w]) : .tensorsAndOutput([x, w]),
    compute: { backend, inputs, y in
      let epilogue = Epilogue(bias: inputs.count > 2 ? inputs[2] : nil, activation: activation)
      backend.convolution(geometry, inputs[0], inputs[1], epilogue, into: y)
    },
    pullback: { gradient, saved in
      let gradient = activation == .none ? gradient : activation.pulledBack(gradient, output: saved.output)
      return [
        saved.needs(0) ? inputGradient(geometry, gradient, saved[1]) : nil,
        saved.needs(1) ? weightGradient(geometry, saved[0], gradient) : nil,
        saved.needs(2) ? gradient.sum(along: [0, 2, 3]) : nil,
      ]
    })
}

/// The convolution's gradient with respect to its input, which is also the transposed convolution of `dy`.
func inputGradient(_ geometry: ConvolutionGeometry, _ dy: Tensor, _ w: Tensor) -> Tensor {
  .record(
    "conv2d input gradient", shape: geometry.inputShape, dtype: checkedDType([dy, w]), from: [dy, w], saving: .inputs,
    compute: { backend, inputs, dx in backend.convolutionInputGradient(geometry, inputs[0], inputs[1], into: dx) },
    pullback: { gradient, saved in
      [
        saved.needs(0) ? convolution(geometry, gradient, saved[1]) : nil,
        saved.needs(1) ? weightGradient(geometry, gradient, saved[0]) : nil,
      ]
    })
}

private func weightGradient(_ geometry: ConvolutionGeometry, _ x: Tensor, _ dy: Tensor) -> Tensor {
  .record(
    "conv2d weight gradient", shape: geometry.weightShape, dtype: checkedDType([x, dy]), from: [x, dy],
    saving: .inputs,
    compute: { backend, inputs, dw in backend.convolutionWeightGradient(geometry, inputs[0], inputs[1], into: dw) },
    pullback: { gradient, saved in
      [
        saved.needs(0) ? inputGradient(geometry, saved[1], gradient) : nil,
        saved.needs(1) ? convolution(geometry, saved[0], gradient) : nil,
      ]
    })
}

func checkedDType(_ tensors: [Tensor], _ name: String = "conv2d") -> DType {
  let dtype = Tensor.commonDType(name, tensors)
  require(dtype.isFloatingPoint, "\(name): needs floating-point tensors, got \(dtype); convert with x.cast(to:)")
  return dtype
}
