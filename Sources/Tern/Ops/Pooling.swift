// SPDX-License-Identifier: MIT
import TernRuntime

/// The largest value of each window. Padding counts as minus infinity, NaN wins, and the gradient goes to the first
/// maximum.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - stride: the window's size when nil.
///   - padding: at most half of the window.
///   - roundsUp: also pools a last, partial window (PyTorch's `ceil_mode`).
/// - Returns: `[N, C, outH, outW]`.
public func maxPool2d(
  _ x: Tensor, window: Pair, stride: Pair? = nil, padding: Pair = 0, dilation: Pair = 1, roundsUp: Bool = false
) -> Tensor {
  let stride = stride ?? window
  let geometry = PoolingGeometry(
    "maxPool2d", input: x.shape, kernel: (window.height, window.width), stride: (stride.height, stride.width),
    padding: (padding.height, padding.width), dilation: (dilation.height, dilation.width), roundsUp: roundsUp)
  requireFloatingPoint("maxPool2d", x)
  return maxPooled("maxPool2d", geometry, x)
}

/// The mean of each window.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - stride: the window's size when nil.
///   - countsPadding: whether padding counts in the divisor (PyTorch's `count_include_pad`).
///   - divisor: what every sum is divided by instead of the count of its elements (PyTorch's `divisor_override`).
///   - roundsUp: also pools a last, partial window; what lies beyond the padding never counts.
/// - Returns: `[N, C, outH, outW]`.
public func averagePool2d(
  _ x: Tensor, window: Pair, stride: Pair? = nil, padding: Pair = 0, countsPadding: Bool = true, divisor: Int? = nil,
  roundsUp: Bool = false
) -> Tensor {
  let stride = stride ?? window
  let geometry = PoolingGeometry(
    "averagePool2d", input: x.shape, kernel: (window.height, window.width), stride: (stride.height, stride.width),
    padding: (padding.height, padding.width), countsPadding: countsPadding, divisor: divisor, roundsUp: roundsUp)
  requireFloatingPoint("averagePool2d", x)
  return averagePooled(geometry, x)
}

func maxPooled(_ operation: String, _ geometry: PoolingGeometry, _ x: Tensor) -> Tensor {
  // Only a recorded pooling has to know where its maxima were.
  let positions = x.node == nil ? nil : Tensor.empty(geometry.outputShape, dtype: .int32, on: x.device)
  return .record(
    operation, shape: geometry.outputShape, dtype: x.dtype, from: [x], saving: .tensors(positions.map { [$0] } ?? []),
    compute: { backend, inputs, y in backend.maxPool(geometry, inputs[0], into: y, indices: positions?.view) },
    pullback: { gradient, saved in [spreadToMaxima(operation, geometry, gradient, saved[0])] })
}

/// Each output's gradient at the place of its maximum. It is linear, and its own gradient picks what stands there.
private func spreadToMaxima(
  _ operation: String, _ geometry: PoolingGeometry, _ gradient: Tensor, _ positions: Tensor
) -> Tensor {
  .record(
    "\(operation) gradient", shape: geometry.inputShape, dtype: gradient.dtype, from: [gradient],
    saving: .tensors([positions]),
    compute: { backend, inputs, dx in
      backend.maxPoolGradient(geometry, inputs[0], indices: positions.view, into: dx)
    },
    pullback: { gradient, saved in
      let (planes, windows) = (Array(geometry.inputShape[..<2]), Array(geometry.outputShape[..<2]))
      let places = saved[0].reshaped(to: windows + [geometry.outputHeight * geometry.outputWidth])
      let plane = gradient.reshaped(to: planes + [geometry.inputHeight * geometry.inputWidth])
      let picked = plane.gathered("\(operation) gradient", places, 2)
      // A window that lies in the padding has no maximum.
      return [`where`(places .>= 0, picked, 0).reshaped(to: geometry.outputShape)]
    })
}

/// - Parameter dtype: of the result; `x`'s when nil. A mean of means keeps those between in Float32.
func averagePooled(_ geometry: PoolingGeometry, _ x: Tensor, dtype: DType? = nil) -> Tensor {
  let (stored, result) = (x.dtype, dtype ?? x.dtype)
  return .record(
    "averagePool2d", shape: geometry.outputShape, dtype: result, from: [x], saving: .none,
    compute: { backend, inputs, y in backend.averagePool(geometry, inputs[0], into: y) },
    pullback: { gradient, _ in
      [
        .record(
          "averagePool2d gradient", shape: geometry.inputShape, dtype: stored, from: [gradient], saving: .none,
          compute: { backend, inputs, dx in backend.averagePoolGradient(geometry, inputs[0], into: dx) },
          pullback: { gradient, _ in [averagePooled(geometry, gradient, dtype: result)] })
      ]
    })
}
