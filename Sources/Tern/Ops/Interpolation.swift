// SPDX-License-Identifier: MIT
import TernRuntime

/// How values between the elements of an image are found.
public enum Interpolation: Sendable, Hashable, CaseIterable {
  /// The element at `floor(i * inputs / outputs)`.
  case nearest
  /// The element whose center is nearest, `floor((i + 0.5) * inputs / outputs)`, as image libraries have it.
  case nearestCenter
  /// Straight lines between two elements along each axis: linear, bilinear or trilinear.
  case linear
  /// Cubic convolution with four elements along each axis and `a = -0.75` (Keys: "Cubic convolution interpolation for
  /// digital image processing", 1981).
  case cubic
}

/// Sequences, images or volumes of another size.
///
/// Output `i` along an axis stands at the input's position
///
///     (i + 0.5) * inputs / outputs - 0.5            or, with aligned corners,    i * (inputs - 1) / (outputs - 1)
///
/// and is found from the elements around it; beyond the edges, those at the edge repeat.
///
/// - Parameters:
///   - x: `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]`, floating point.
///   - size: of the result, a number for each axis behind the channels.
///   - mode: how values between elements are found.
///   - alignsCorners: whether the first and last elements stand at the first and last of `x`, not the edges of the area
///     that they cover; not for the nearest ones.
/// - Returns: `[N, C] + size`. Differentiable any number of times.
/// - Precondition: neither `x` nor the result has an empty axis behind the channels.
public func interpolate(
  _ x: Tensor, size: [Int], mode: Interpolation = .nearest, alignsCorners: Bool = false
) -> Tensor {
  requireResizable(x, size.count, mode, alignsCorners)
  return resized(x, size, Array(repeating: nil, count: size.count), mode, alignsCorners)
}

/// Sequences, images or volumes that are so many times as large; see `interpolate(_:size:mode:alignsCorners:)`.
///
/// - Parameters:
///   - x: `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]`, floating point.
///   - scale: factors, one for each axis behind the channels; they stand for `outputs / inputs` in the position of an
///     output, even where `inputs * scale` had to be rounded.
///   - mode: how values between elements are found.
///   - alignsCorners: as there; positions then follow from the sizes.
/// - Returns: `[N, C]` and each axis with `floor(inputs * scale)` elements. Differentiable any number of times.
/// - Precondition: factors are positive, and neither `x` nor the result has an empty axis behind the channels.
public func interpolate(
  _ x: Tensor, scale: [Double], mode: Interpolation = .nearest, alignsCorners: Bool = false
) -> Tensor {
  requireResizable(x, scale.count, mode, alignsCorners)
  require(
    scale.allSatisfy { $0 > 0 && $0 < 1e6 }, "interpolate: factors must be positive and below a million, got \(scale)")
  let size = zip(x.shape.dropFirst(2), scale).map { Int((Double($0) * $1).rounded(.down)) }
  return resized(x, size, scale, mode, alignsCorners)
}

private func requireResizable(_ x: Tensor, _ axes: Int, _ mode: Interpolation, _ alignsCorners: Bool) {
  requireFloatingPoint("interpolate", x)
  require(
    3...5 ~= x.rank && axes == x.rank - 2,
    "interpolate: input must be [N, C] and one to three axes, each with a size; got \(x.shape) and \(axes) size(s)")
  require(
    !alignsCorners || mode == .linear || mode == .cubic, "interpolate: corners cannot be aligned with mode \(mode)")
}

private func resized(
  _ x: Tensor, _ size: [Int], _ scale: [Double?], _ mode: Interpolation, _ alignsCorners: Bool
) -> Tensor {
  let old = Array(x.shape.dropFirst(2))
  require(
    old.allSatisfy { 1..<Int(Int32.max) ~= $0 } && size.allSatisfy { 1..<Int(Int32.max) ~= $0 },
    "interpolate: sizes must be at least 1, got input \(x.shape) and \(size)")
  let maps = zip(zip(old, size), scale).map { sizes, scale in
    AxisMap.interpolating(
      mode, inputs: sizes.0, outputs: sizes.1, scale: scale, alignsCorners: alignsCorners)
  }
  switch maps.count {
  case 1: return resampled(x.expanded(at: 2), rows: nil, columns: maps[0]).squeezed(at: 2)
  case 2: return resampled(x, rows: maps[0], columns: maps[1])
  default:
    // Slices first, in Float32 for the second pass to read; then their depth, whose rows are whole slices.
    let (n, c) = (x.shape[0], x.shape[1])
    let slices = resampled(
      x.reshaped(to: [n * c] + old), rows: maps[1], columns: maps[2], dtype: maps[0] == nil ? nil : .float32)
    return resampled(
      slices.reshaped(to: [n, c, old[0], size[1] * size[2]]), rows: maps[0], columns: nil, dtype: x.dtype
    )
    .reshaped(to: [n, c] + size)
  }
}

/// - Parameter dtype: of the result; `x`'s when nil.
private func resampled(_ x: Tensor, rows: AxisMap?, columns: AxisMap?, dtype: DType? = nil) -> Tensor {
  let (stored, result) = (x.dtype, dtype ?? x.dtype)
  if rows == nil && columns == nil && stored == result { return x }
  return .record(
    "interpolate", shape: [x.shape[0], x.shape[1], rows?.outputs ?? x.shape[2], columns?.outputs ?? x.shape[3]],
    dtype: result, from: [x], saving: .none,
    compute: { backend, inputs, y in backend.resample(rows: rows, columns: columns, inputs[0], into: y) },
    pullback: { gradient, _ in
      [resampled(gradient, rows: rows?.transposed(), columns: columns?.transposed(), dtype: stored)]
    })
}

extension AxisMap {
  /// The interpolation along one axis, nil where it changes nothing.
  fileprivate static func interpolating(
    _ mode: Interpolation, inputs: Int, outputs: Int, scale: Double?, alignsCorners: Bool
  ) -> AxisMap? {
    if inputs == outputs && (scale ?? 1) == 1 { return nil }
    // From one output to the next, in inputs.
    let step =
      alignsCorners
      ? (outputs > 1 ? Double(inputs - 1) / Double(outputs - 1) : 0)
      : scale.map { 1 / $0 } ?? Double(inputs) / Double(outputs)
    /// Inputs before `i` outputs; divided last, so that whole positions stay whole.
    func inputsBefore(_ i: Double) -> Double { scale.map { i / $0 } ?? i * Double(inputs) / Double(outputs) }
    func clamped(_ place: Int) -> Int { min(max(place, 0), inputs - 1) }
    let rows = (0..<outputs).map { output -> [(place: Int, weight: Float)] in
      let i = Double(output)
      switch mode {
      case .nearest: return [(clamped(Int(inputsBefore(i).rounded(.down))), 1)]
      case .nearestCenter: return [(clamped(Int(inputsBefore(i + 0.5).rounded(.down))), 1)]
      case .linear:
        let position = max(0, alignsCorners ? i * step : (i + 0.5) * step - 0.5)
        let low = clamped(Int(position))
        let rest = min(max(position - Double(low), 0), 1)
        return [(low, Float(1 - rest)), (clamped(low + 1), Float(rest))]
      case .cubic:
        let position = alignsCorners ? i * step : (i + 0.5) * step - 0.5
        let low = position.rounded(.down)
        return zip(-1...2, cubicWeights(position - low)).map { (clamped(Int(low) + $0), Float($1)) }
      }
    }
    return AxisMap(inputs: inputs, rows: rows)
  }
}

/// Weights of the four elements around a position `t` behind the second one.
private func cubicWeights(_ t: Double) -> [Double] {
  let a = -0.75
  func near(_ d: Double) -> Double { ((a + 2) * d - (a + 3)) * d * d + 1 }
  func far(_ d: Double) -> Double { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
  return [far(t + 1), near(t), near(1 - t), far(2 - t)]
}
