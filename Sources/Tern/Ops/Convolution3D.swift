// SPDX-License-Identifier: MIT
import TernRuntime

/// Zeros around a volume.
public enum Padding3D: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// The same on opposite sides.
  case symmetric(Triple)
  /// So many slices, rows and columns of zeros on each side; none is negative.
  case explicit(front: Int, back: Int, top: Int, bottom: Int, left: Int, right: Int)
  /// As much as makes the output `ceil(input / stride)`; the odd one goes to the back, the bottom and the right.
  case same

  /// As many zeros on all six sides.
  public init(integerLiteral value: Int) { self = .symmetric(Triple(value)) }

  /// Before and behind depth, height and width.
  func amounts(input: [Int], kernel: [Int], stride: Triple, dilation: Triple) -> [(Int, Int)] {
    switch self {
    case .symmetric(let pad):
      return [(pad.depth, pad.depth), (pad.height, pad.height), (pad.width, pad.width)]
    case .explicit(let front, let back, let top, let bottom, let left, let right):
      return [(front, back), (top, bottom), (left, right)]
    case .same:
      let strides = [stride.depth, stride.height, stride.width]
      let dilations = [dilation.depth, dilation.height, dilation.width]
      guard input.count == 5, kernel.count == 5, strides.allSatisfy({ $0 > 0 }) else {
        return [(0, 0), (0, 0), (0, 0)]  // the geometry says what is wrong
      }
      return (0..<3).map { samePadding(input[$0 + 2], kernel[$0 + 2], strides[$0], dilations[$0]) }
    }
  }
}

/// Three-dimensional convolution (cross-correlation) over volumes, and what follows it.
///
///     z[n, o, d, i, j] = bias[o]
///       + sum over c, t, u, v of x[n, c, d * stride + t * dilation - pad, …] * weight[o, c, t, u, v]
///     y = activation(z)
///
/// Computed as convolutions of planes, whose channels are those of the slices below the kernel: each algorithm of
/// `conv2d` serves, and the working memory is at most some 64 MB beside the result, or what one slice needs.
///
/// - Parameters:
///   - x: `[N, C, D, H, W]`.
///   - weight: `[O, C / groups, kD, kH, kW]`.
///   - bias: `[O]`.
///   - stride: slices, rows and columns from one position of the kernel to the next.
///   - padding: zeros around the volumes, or `.same`.
///   - dilation: slices, rows and columns from one tap of the kernel to the next.
///   - groups: channels are divided into so many independent convolutions.
///   - activation: applied before the sums are stored; see `conv2d`.
/// - Returns: `[N, O, outD, outH, outW]` with `outD = (D + padding - dilation * (kD - 1) - 1) / stride + 1`, rounded
///   down. Any order of derivative exists.
/// - Precondition: channels agree and the kernel fits the padded volumes.
public func conv3d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Triple = 1, padding: Padding3D = 0, dilation: Triple = 1,
  groups: Int = 1, activation: Activation = .none
) -> Tensor {
  let padding = padding.amounts(input: x.shape, kernel: weight.shape, stride: stride, dilation: dilation)
  let geometry = VolumeGeometry(
    "conv3d", input: x.shape, weight: weight.shape, stride: stride, padding: padding, dilation: dilation,
    groups: groups)
  requireBias("conv3d", bias, outputs: weight.shape[0], of: weight)
  if Array(weight.shape[3...]) == [1, 1] && stride.plane == 1 && padding[1...].allSatisfy({ $0 == (0, 0) }) {
    // Slices do not mix their positions, so that each is as good as a row.
    let plane = x.shape[3] * x.shape[4]
    let y = conv2d(
      x.reshaped(to: Array(x.shape[..<3]) + [plane]), weight.squeezed(at: 4), bias: bias,
      stride: Pair(stride.depth, 1),
      padding: .explicit(top: padding[0].0, bottom: padding[0].1, left: 0, right: 0),
      dilation: Pair(dilation.depth, 1), groups: groups, activation: activation)
    return y.reshaped(to: Array(y.shape[..<3]) + x.shape[3...])
  }
  let fuses = activation.fuses(withOperationOn: [x, weight] + (bias.map { [$0] } ?? []))
  let y = volumeConvolution(
    geometry, withJoinedRows(x), weight.contiguous(), bias?.contiguous(), fuses ? activation : .none)
  let ordered = y.swappedAxes(1, 2)
  return fuses ? ordered : activation(ordered)
}

/// Three-dimensional transposed convolution: the gradient of `conv3d` with respect to its input, used forward; see
/// `convTranspose2d`.
///
/// - Parameters:
///   - x: `[N, C, D, H, W]`.
///   - weight: `[C, O / groups, kD, kH, kW]`: that of the convolution whose input this one computes.
///   - bias: `[O]`.
///   - stride: slices, rows and columns of the result from one element of `x` to the next.
///   - padding: slices, rows and columns taken away on each side of the result.
///   - outputPadding: what is added at the back, the bottom and the right.
///   - dilation: slices, rows and columns from one tap of the kernel to the next.
///   - groups: channels are divided into so many independent convolutions.
///   - activation: applied to the sums.
/// - Returns: `[N, O, outD, outH, outW]` with
///   `outD = (D - 1) * stride - 2 * padding + dilation * (kD - 1) + outputPadding + 1`.
/// - Precondition: channels agree, the result is not empty, and `outputPadding` is below stride or dilation.
public func convTranspose3d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Triple = 1, padding: Triple = 0,
  outputPadding: Triple = 0, dilation: Triple = 1, groups: Int = 1, activation: Activation = .none
) -> Tensor {
  let name = "convTranspose3d"
  require(x.rank == 5, "\(name): input must be [N, C, D, H, W], got \(x.shape)")
  require(weight.rank == 5, "\(name): weight must be [C, O/groups, kD, kH, kW], got \(weight.shape)")
  requireTransposedChannels(name, x, weight, bias, groups)
  let directions: [KeyPath<Triple, Int>] = [\.depth, \.height, \.width]
  let axes = directions.enumerated().map { place, direction in
    TransposedAxis(
      name, input: x.shape[place + 2], kernel: weight.shape[place + 2], stride: stride[keyPath: direction],
      padding: padding[keyPath: direction], outputPadding: outputPadding[keyPath: direction],
      dilation: dilation[keyPath: direction])
  }
  let geometry = VolumeGeometry(
    name, input: [x.shape[0], weight.shape[1] * groups] + axes.map(\.covered), weight: weight.shape, stride: stride,
    padding: zip(directions, axes).map { (padding[keyPath: $0], $1.padEnd) }, dilation: dilation, groups: groups)
  var y = volumeInputGradient(geometry, x.swappedAxes(1, 2).contiguous(), weight.contiguous())
  for (place, axis) in axes.enumerated() { y = axis.completed(y, along: place + 2) }
  return activation(withChannelBias(y, bias))
}

/// The tensor itself where the rows of its slices follow one another, else a dense copy.
private func withJoinedRows(_ x: Tensor) -> Tensor {
  x.shape[3] == 1 || x.shape[4] == 1 || x.strides[3] == x.shape[4] * x.strides[4] ? x : x.contiguous()
}

// As with planes, the three operations below are, but for the activation, each bilinear, and their derivatives are one
// another. Outputs and their gradients are `[N, outD, O, outH, outW]`; all weights and these are dense.

private func volumeConvolution(
  _ geometry: VolumeGeometry, _ x: Tensor, _ w: Tensor, _ bias: Tensor? = nil, _ activation: Activation = .none
) -> Tensor {
  let inputs = [x, w] + (bias.map { [$0] } ?? [])
  return .record(
    "conv3d", shape: geometry.outputShape, dtype: checkedDType(inputs, "conv3d"), from: inputs,
    saving: activation == .none ? .tensors([x, w]) : .tensorsAndOutput([x, w]),
    compute: { backend, inputs, y in
      let epilogue = Epilogue(bias: inputs.count > 2 ? inputs[2] : nil, activation: activation)
      let weight = geometry.flatWeight(inputs[1])
      for part in geometry.outputParts {
        let columns = backend.columns(geometry, inputs[0], part)
        backend.convolution(geometry.planes(part), columns, weight, epilogue, into: geometry.outputs(y, part))
      }
    },
    pullback: { gradient, saved in
      var gradient = activation == .none ? gradient : activation.pulledBack(gradient, output: saved.output)
      if saved.needs(0) || saved.needs(1) { gradient = gradient.contiguous() }
      return [
        saved.needs(0) ? volumeInputGradient(geometry, gradient, saved[1]) : nil,
        saved.needs(1) ? volumeWeightGradient(geometry, saved[0], gradient) : nil,
        saved.needs(2) ? gradient.sum(along: [0, 1, 3, 4]) : nil,
      ]
    })
}

private func volumeInputGradient(_ geometry: VolumeGeometry, _ dy: Tensor, _ w: Tensor) -> Tensor {
  .record(
    "conv3d input gradient", shape: geometry.inputShape, dtype: checkedDType([dy, w], "conv3d"), from: [dy, w],
    saving: .inputs,
    compute: { backend, inputs, dx in
      let weight = geometry.flatWeight(inputs[1])
      for part in geometry.inputParts {
        let outputs = geometry.outputs(reading: part)
        let columns = backend.scratch(dx.dtype, geometry.columnShape(outputs))
        if !outputs.slices.isEmpty {
          backend.convolutionInputGradient(
            geometry.planes(outputs), geometry.outputs(inputs[0], outputs), weight, into: columns)
        }
        backend.fold(
          geometry.unfolding(inputSlices: part.slices, to: outputs), geometry.windows(columns, outputs),
          into: geometry.volumes(dx, part))
      }
    },
    pullback: { gradient, saved in
      let gradient = withJoinedRows(gradient)
      return [
        saved.needs(0) ? volumeConvolution(geometry, gradient, saved[1]) : nil,
        saved.needs(1) ? volumeWeightGradient(geometry, gradient, saved[0]) : nil,
      ]
    })
}

private func volumeWeightGradient(_ geometry: VolumeGeometry, _ x: Tensor, _ dy: Tensor) -> Tensor {
  let dtype = checkedDType([x, dy], "conv3d")
  let backend = Tensor.commonDevice("conv3d", [x, dy]).backend
  let (volumes, gradients) = (x.view, dy.view)
  let sums = geometry.outputParts.map { part -> Tensor in
    let sum = Tensor.empty(geometry.weightShape, dtype: dtype, on: x.device)
    backend.convolutionWeightGradient(
      geometry.planes(part), backend.columns(geometry, volumes, part), geometry.outputs(gradients, part),
      into: geometry.flatWeight(sum.view))
    return sum
  }
  // Parts of half types are added up in Float32.
  let total =
    sums.count == 1
    ? sums[0]
    : sums.reduce(Tensor.zeros(geometry.weightShape, on: x.device)) { ($0 + $1.cast(to: .float32)).evaluated() }
      .cast(to: dtype)
  return total.recorded("conv3d weight gradient", from: [x, dy], saving: .tensors([x, dy])) { gradient, saved in
    let gradient = gradient.contiguous()
    return [
      saved.needs(0) ? volumeInputGradient(geometry, saved[1], gradient) : nil,
      saved.needs(1) ? volumeConvolution(geometry, saved[0], gradient) : nil,
    ]
  }
}

extension Backend {
  /// The columns of a part of the output; see `VolumeGeometry`.
  fileprivate func columns(_ geometry: VolumeGeometry, _ x: StridedView, _ part: VolumeGeometry.Part) -> StridedView {
    let columns = scratch(x.dtype, geometry.columnShape(part))
    let read = VolumeGeometry.Part(images: part.images, slices: 0..<geometry.inputDepth)
    unfold(
      geometry.unfolding(inputSlices: read.slices, to: part), geometry.volumes(x, read),
      into: geometry.windows(columns, part))
    return columns
  }

  /// Memory for as long as the caller, or a command that it has given, needs it.
  fileprivate func scratch(_ dtype: DType, _ shape: [Int]) -> StridedView {
    StridedView(allocate(byteCount: elementCount(shape) * dtype.byteCount), dtype, shape: shape)
  }
}
