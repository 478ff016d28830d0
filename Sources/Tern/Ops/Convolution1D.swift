// SPDX-License-Identifier: MIT
import TernRuntime

/// Zeros at both ends of a sequence.
public enum Padding1D: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// As many at each end.
  case symmetric(Int)
  /// So many before the first and behind the last element; none is negative.
  case explicit(start: Int, end: Int)
  /// As much as makes the output `ceil(input / stride)`; the odd one goes to the end.
  case same

  /// As many zeros at each end.
  public init(integerLiteral value: Int) { self = .symmetric(value) }

  /// Around an image that is one row.
  var aroundRow: Padding {
    switch self {
    case .symmetric(let pad): .explicit(top: 0, bottom: 0, left: pad, right: pad)
    case .explicit(let start, let end): .explicit(top: 0, bottom: 0, left: start, right: end)
    case .same: .same
    }
  }
}

/// One-dimensional convolution (cross-correlation) over sequences: `conv2d` of images one row high.
///
///     z[n, o, i] = bias[o] + sum over c, u of x[n, c, i * stride + u * dilation - pad] * weight[o, c, u]
///     y = activation(z)
///
/// - Parameters:
///   - x: `[N, C, L]`.
///   - weight: `[O, C / groups, k]`.
///   - bias: `[O]`.
///   - stride: elements from one position of the kernel to the next.
///   - padding: zeros at the ends, or `.same`.
///   - dilation: elements from one tap of the kernel to the next.
///   - groups: channels are divided into so many independent convolutions.
///   - activation: applied before the sums are stored; see `conv2d`.
/// - Returns: `[N, O, outL]` with `outL = (L + padding - dilation * (k - 1) - 1) / stride + 1`, rounded down.
/// - Precondition: channels agree and the kernel fits the padded sequence.
public func conv1d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding1D = 0, dilation: Int = 1,
  groups: Int = 1, activation: Activation = .none
) -> Tensor {
  require(x.rank == 3, "conv1d: input must be [N, C, L], got \(x.shape)")
  require(weight.rank == 3, "conv1d: weight must be [O, I/groups, k], got \(weight.shape)")
  return convolve(
    "conv1d", x.expanded(at: 2), weight.expanded(at: 2), bias: bias, stride: Pair(1, stride),
    padding: padding.aroundRow, dilation: Pair(1, dilation), groups: groups, activation: activation
  ).squeezed(at: 2)
}
