// SPDX-License-Identifier: MIT

/// Lays ink along strokes on a small grey image.
///
/// The pen is a disk whose radius changes along a stroke; a pixel's ink is the share of it that the disk covers, taken
/// from the distance between the pixel's centre and the stroke's edge. Only additions, multiplications, divisions and
/// square roots, in a fixed order, so the image is the same on every machine.
struct DigitPen {
  let side: Int
  /// Signed distance in pixels from each pixel's centre to the nearest edge of ink, negative inside.
  private var distance: [Float]
  /// Far beyond any pixel that ink could touch.
  private static let blank: Float = 64

  init(side: Int) {
    self.side = side
    distance = [Float](repeating: Self.blank, count: side * side)
  }

  mutating func clear() {
    distance.withUnsafeMutableBufferPointer { $0.update(repeating: Self.blank) }
  }

  /// Draws the straight piece of a stroke between two points, in pixels; radii at both ends.
  mutating func draw(from a: DigitPoint, to b: DigitPoint, radii: (Float, Float)) {
    let reach = max(radii.0, radii.1) + 1.5  // the soft edge ends one pixel outside the ink
    let firstX = bounded(min(a.x, b.x) - reach), lastX = bounded(max(a.x, b.x) + reach)
    let firstY = bounded(min(a.y, b.y) - reach), lastY = bounded(max(a.y, b.y) + reach)
    let dx = b.x - a.x, dy = b.y - a.y
    let inverse = 1 / max(dx * dx + dy * dy, 1e-6)
    distance.withUnsafeMutableBufferPointer { buffer in
      guard let field = buffer.baseAddress else { return }
      var y = firstY  // `while`: a range's iterator is not inlined in debug builds, where the tests draw
      while y <= lastY {
        var x = firstX
        while x <= lastX {
          let px = Float(x) + 0.5 - a.x, py = Float(y) + 0.5 - a.y
          let t = max(0, min(1, (px * dx + py * dy) * inverse))
          let ex = px - t * dx, ey = py - t * dy
          let edge = (ex * ex + ey * ey).squareRoot() - (radii.0 + t * (radii.1 - radii.0))
          if edge < field[y * side + x] { field[y * side + x] = edge }
          x += 1
        }
        y += 1
      }
    }
  }

  /// Turns distances into ink of strength 0 to 1: full inside, none outside, a ramp `softness` pixels wide at the edge.
  func ink(softness: Float, into target: UnsafeMutableBufferPointer<Float>) {
    let inverse = 1 / softness
    distance.withUnsafeBufferPointer { field in
      var i = 0
      while i < field.count {
        target[i] = max(0, min(1, 0.5 - field[i] * inverse))
        i += 1
      }
    }
  }

  /// The row or column that holds a coordinate, kept inside the image.
  private func bounded(_ coordinate: Float) -> Int {
    max(0, min(side - 1, Int(coordinate.rounded(.down))))
  }
}

/// A position, in whatever unit the step at hand uses.
struct DigitPoint: Sendable {
  var x: Float
  var y: Float
}
