// SPDX-License-Identifier: MIT
import TernRuntime

/// How `gridSample` finds a value between the elements of an image.
public enum GridInterpolation: Sendable, Hashable, CaseIterable {
  /// Straight lines between the four elements around a point.
  case bilinear
  /// The nearest element; of two at the same distance the even one.
  case nearest
  /// Cubic convolution of the sixteen elements around a point, with `a = -0.75` as in `interpolate`.
  case bicubic

  fileprivate var mode: GridSampling.Mode {
    switch self {
    case .bilinear: .bilinear
    case .nearest: .nearest
    case .bicubic: .bicubic
    }
  }
}

/// What `gridSample` finds outside of an image.
public enum GridPadding: Sendable, Hashable, CaseIterable {
  /// Zeros.
  case zeros
  /// The element at the edge that is nearest.
  case border
  /// The image mirrored at its edges, again and again: at the centers of its outer elements where corners are aligned,
  /// else at their outer edges.
  case reflection

  fileprivate var padding: GridSampling.Padding {
    switch self {
    case .zeros: .zeros
    case .border: .border
    case .reflection: .reflection
    }
  }
}

/// Images sampled at the points of a grid, as spatial transformers do it (Jaderberg, Simonyan, Zisserman, Kavukcuoglu:
/// "Spatial transformer networks", 2015).
///
/// A point `(x, y)` of the grid goes from -1 at the left and the top to 1 at the right and the bottom, and stands at
///
///     column = ((x + 1) * W - 1) / 2        or, with aligned corners,        (x + 1) * (W - 1) / 2
///
/// - Parameters:
///   - x: `[N, C, H, W]`, floating point.
///   - grid: `[N, outH, outW, 2]` of `x`'s dtype; the last axis has the horizontal coordinate first. Use Float32 for
///     images beyond some hundred elements.
///   - mode: how values between elements are found.
///   - padding: what there is outside.
///   - alignsCorners: whether -1 and 1 are the centers of the outer elements, not their outer edges.
/// - Returns: `[N, C, outH, outW]`. The gradients of both inputs are summed in a fixed order.
/// - Precondition: the image is not empty.
public func gridSample(
  _ x: Tensor, _ grid: Tensor, mode: GridInterpolation = .bilinear, padding: GridPadding = .zeros,
  alignsCorners: Bool = false
) -> Tensor {
  requireFloatingPoint("gridSample", x)
  let dtype = Tensor.commonDType("gridSample", [x, grid])
  let plan = GridSampling(
    "gridSample", input: x.shape, grid: grid.shape, mode: mode.mode, padding: padding.padding,
    alignsCorners: alignsCorners)
  return .record(
    "gridSample", shape: plan.outputShape, dtype: dtype, from: [x, grid], saving: .inputs,
    compute: { backend, inputs, y in backend.gridSample(plan, inputs[0], inputs[1], into: y) },
    pullback: { gradient, saved in
      if saved.createsGraph { return saved.composedGradients(gradient, count: 2) { plan.composed($0[0], $0[1]) } }
      return [
        saved.needs(0)
          ? .record(
            "gridSample input gradient", shape: plan.inputShape, dtype: dtype, from: [gradient, saved[1]],
            saving: .none,
            compute: { backend, inputs, dx in backend.gridSampleInputGradient(plan, inputs[0], inputs[1], into: dx) },
            pullback: { _, _ in [nil, nil] }) : nil,
        saved.needs(1)
          ? .record(
            "gridSample grid gradient", shape: plan.gridShape, dtype: dtype, from: [gradient, saved[0], saved[1]],
            saving: .none,
            compute: { backend, inputs, dgrid in
              backend.gridSampleGridGradient(plan, inputs[0], inputs[1], inputs[2], into: dgrid)
            }, pullback: { _, _ in [nil, nil, nil] }) : nil,
      ]
    })
}
