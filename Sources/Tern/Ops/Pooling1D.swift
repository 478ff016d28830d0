// SPDX-License-Identifier: MIT
import TernRuntime

// A sequence is an image one row high, so these are the poolings of planes.

/// The largest value of each window of a sequence. Padding counts as minus infinity, NaN wins, and the gradient goes to
/// the first maximum.
///
/// - Parameters:
///   - x: `[N, C, L]`.
///   - stride: the window's size when nil.
///   - padding: at most half of the window.
///   - dilation: elements from one element of a window to the next.
///   - roundsUp: also pools a last, partial window.
/// - Returns: `[N, C, outL]`.
public func maxPool1d(
  _ x: Tensor, window: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, roundsUp: Bool = false
) -> Tensor {
  let row = asRow("maxPool1d", x)
  let geometry = PoolingGeometry(
    "maxPool1d", input: row.shape, kernel: (1, window), stride: (1, stride ?? window), padding: (0, padding),
    dilation: (1, dilation), roundsUp: roundsUp)
  return maxPooled("maxPool1d", geometry, row).squeezed(at: 2)
}

/// The mean of each window of a sequence.
///
/// - Parameters:
///   - x: `[N, C, L]`.
///   - stride: the window's size when nil.
///   - padding: zeros at each end, at most half of the window.
///   - countsPadding: whether padding counts in the divisor.
///   - divisor: what every sum is divided by instead of the count of its elements.
///   - roundsUp: also pools a last, partial window; what lies beyond the padding never counts.
/// - Returns: `[N, C, outL]`.
public func averagePool1d(
  _ x: Tensor, window: Int, stride: Int? = nil, padding: Int = 0, countsPadding: Bool = true, divisor: Int? = nil,
  roundsUp: Bool = false
) -> Tensor {
  let row = asRow("averagePool1d", x)
  let geometry = PoolingGeometry(
    "averagePool1d", input: row.shape, kernel: (1, window), stride: (1, stride ?? window), padding: (0, padding),
    countsPadding: countsPadding, divisor: divisor, roundsUp: roundsUp)
  return averagePooled(geometry, row).squeezed(at: 2)
}

/// The mean of each of `outputSize` windows that cover a sequence evenly: window `i` is
/// `floor(i * L / outputSize) ..< ceil((i + 1) * L / outputSize)`.
///
/// - Parameter x: `[N, C, L]`, floating point.
/// - Returns: `[N, C, outputSize]`.
/// - Precondition: neither the sequence nor the output is empty.
public func adaptiveAveragePool1d(_ x: Tensor, outputSize: Int) -> Tensor {
  let row = asRow("adaptiveAveragePool1d", x)
  let geometry = PoolingGeometry("adaptiveAveragePool1d", input: row.shape, output: (1, outputSize))
  return averagePooled(geometry, row).squeezed(at: 2)
}

/// The largest value of each of `outputSize` windows that cover a sequence evenly, as `adaptiveAveragePool1d` has them.
///
/// - Parameter x: `[N, C, L]`, floating point.
/// - Returns: `[N, C, outputSize]`.
/// - Precondition: neither the sequence nor the output is empty.
public func adaptiveMaxPool1d(_ x: Tensor, outputSize: Int) -> Tensor {
  let row = asRow("adaptiveMaxPool1d", x)
  let geometry = PoolingGeometry("adaptiveMaxPool1d", input: row.shape, output: (1, outputSize))
  return maxPooled("adaptiveMaxPool1d", geometry, row).squeezed(at: 2)
}

private func asRow(_ operation: String, _ x: Tensor) -> Tensor {
  require(x.rank == 3, "\(operation): input must be [N, C, L], got \(x.shape)")
  requireFloatingPoint(operation, x)
  return x.expanded(at: 2)
}
