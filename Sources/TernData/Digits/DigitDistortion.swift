// SPDX-License-Identifier: MIT

/// What makes one writer's digit differ from another's: an elastic field, then slant, stretch and rotation.
///
/// Works on skeletons in the unit box, centred at the origin, so strokes that touch still touch afterwards.
struct DigitDistortion {
  private static let knots = 5
  private let fieldX: [Float]
  private let fieldY: [Float]
  private let xx: Float, xy: Float, yx: Float, yy: Float

  init(_ words: inout WordReader) {
    let amplitude = words.uniform(0.1, 0.32)
    fieldX = (0..<Self.knots * Self.knots).map { _ in amplitude * words.bell() }
    fieldY = (0..<Self.knots * Self.knots).map { _ in amplitude * words.bell() }
    // A rotation through the half-angle's tangent: sine and cosine of libraries differ in the last bit.
    let tangent = 0.11 * words.bell()
    let cosine = (1 - tangent * tangent) / (1 + tangent * tangent)
    let sine = 2 * tangent / (1 + tangent * tangent)
    let slant = 0.1 + 0.3 * words.bell()
    let width = words.uniform(0.6, 1.1)
    let height = words.uniform(0.8, 1.06)
    // rotate · slant · stretch
    xx = cosine * width
    xy = (-cosine * slant - sine) * height
    yx = sine * width
    yy = (-sine * slant + cosine) * height
  }

  func callAsFunction(_ p: DigitPoint) -> DigitPoint {
    // The field is a uniform cubic B-spline over 2 x 2 cells of the box: smooth, so strokes get no kinks.
    let u = max(0, min(1, p.x + 0.5)) * 2, v = max(0, min(1, p.y + 0.5)) * 2
    let column = min(1, Int(u)), row = min(1, Int(v))
    let wx = splineWeights(u - Float(column)), wy = splineWeights(v - Float(row))
    var dx: Float = 0, dy: Float = 0
    var j = 0
    while j < 4 {
      var i = 0
      while i < 4 {
        let weight = wy[j] * wx[i], knot = (row + j) * Self.knots + column + i
        dx += weight * fieldX[knot]
        dy += weight * fieldY[knot]
        i += 1
      }
      j += 1
    }
    let x = p.x + dx, y = p.y + dy
    return DigitPoint(x: xx * x + xy * y, y: yx * x + yy * y)
  }

  private func splineWeights(_ t: Float) -> SIMD4<Float> {
    let s = 1 - t
    let first = s * s * s, last = t * t * t
    return SIMD4(
      first / 6, (3 * last - 6 * t * t + 4) / 6, (3 * first - 6 * s * s + 4) / 6, last / 6)
  }
}
