// SPDX-License-Identifier: MIT
import TernRuntime

// What `tern_grid.h` computes, of differentiable tensor operations: for second derivatives of `gridSample`.

extension GridSampling {
  /// What an axis contributes to all samples: places and weights `[N, terms, points]`.
  private struct Axis {
    /// `int64`; 0 for what is outside and counts as zero.
    let places: Tensor
    let weights: Tensor
  }

  /// The samples.
  func composed(_ x: Tensor, _ grid: Tensor) -> Tensor {
    func coordinate(_ index: Int) -> Tensor {
      grid.sliced(along: 3, from: index, to: index + 1).reshaped(to: [batch, 1, points]).cast(to: .float32)
    }
    let (columns, rows) = (axis(coordinate(0), size: width), axis(coordinate(1), size: height))
    let count = terms * terms
    let places = (rows.places.expanded(at: 2) * Float(width) + columns.places.expanded(at: 1))
      .reshaped(to: [batch, 1, count * points])
    let weights = (rows.weights.expanded(at: 2) * columns.weights.expanded(at: 1))
      .reshaped(to: [batch, 1, count, points])
    let found = x.cast(to: .float32).reshaped(to: [batch, channels, height * width]).gathered(at: places, along: 2)
    return (found.reshaped(to: [batch, channels, count, points]) * weights).sum(along: 2)
      .reshaped(to: outputShape).cast(to: x.dtype)
  }

  /// - Parameter coordinate: of the grid, `[N, 1, points]`.
  private func axis(_ coordinate: Tensor, size: Int) -> Axis {
    let last = Float(size - 1)
    let scale = (alignsCorners ? last : Float(size)) / 2
    let raw = (coordinate + 1) * scale - (alignsCorners ? 0 : 0.5)
    // NaN is in no image, or at the first element, and so is an infinity that cannot be mirrored. Those beyond the
    // bounds have no neighbours in any image, and must remain finite.
    let isNowhere = padding == .reflection ? .!raw.isFinite() : raw.isNaN()
    let bounded = padding == .reflection ? raw : clamp(raw, min: -1e8, max: 1e8)
    let at = `where`(isNowhere, padding == .zeros ? -4 : 0, bounded)
    switch mode {
    case .nearest:
      let place = round(inside(at, last).detached())
      return axis([(place, Tensor.ones(place.shape, on: place.device))], last)
    case .bilinear:
      let position = inside(at, last)
      let base = floor(position)
      let rest = position - base
      return axis([(base, 1 - rest), (base + 1, rest)], last)
    case .bicubic:
      let base = floor(at)
      let weights = cubicWeights(at - base)
      // Each element by itself is brought into the image.
      return axis(weights.enumerated().map { (inside(base + Float($0 - 1), last), $1) }, last)
    }
  }

  private func axis(_ terms: [(place: Tensor, weight: Tensor)], _ last: Float) -> Axis {
    let places = concatenated(terms.map(\.place), along: 1)
    let isInside = (places .>= 0) .& (places .<= last)
    return Axis(
      places: `where`(isInside, places, 0).cast(to: .int64),
      weights: `where`(isInside, concatenated(terms.map(\.weight), along: 1), 0))
  }

  /// A position brought into the image as the padding has it.
  private func inside(_ position: Tensor, _ last: Float) -> Tensor {
    if padding == .zeros { return position }
    var (at, slope) = (position.detached(), Tensor.ones(position.shape, on: position.device))
    if padding == .reflection {
      // About the centers of the first and last elements, or about their outer edges.
      let (low, span): (Float, Float) = alignsCorners ? (0, last) : (-0.5, last + 1)
      guard span > 0 else { return slope * 0 }
      let distance = abs(at - low)
      let turns = floor(distance / span)
      let rest = distance - turns * span
      let isOdd = (turns - floor(turns * 0.5) * 2) .!= 0
      slope = `where`(at .< low, -1, slope) * `where`(isOdd, -1, slope)
      at = `where`(isOdd, span - rest, rest) + low
    }
    slope = slope * ((at .> 0) .& (at .< last)).cast(to: .float32)
    // The straight line through the result with this slope.
    return clamp(at, min: 0, max: last) + (position - position.detached()) * slope
  }

  /// Weights of the four elements around a position `t` behind the second one.
  private func cubicWeights(_ t: Tensor) -> [Tensor] {
    let a: Float = -0.75
    func near(_ d: Tensor) -> Tensor { ((a + 2) * d - (a + 3)) * square(d) + 1 }
    func far(_ d: Tensor) -> Tensor { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
    return [far(t + 1), near(t), near(1 - t), far(2 - t)]
  }
}
