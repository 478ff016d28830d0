// SPDX-License-Identifier: MIT

/// Writes one digit: picks a glyph, distorts it, chooses a pen, inks it, and adds the grain of a scan.
struct DigitArtist {
  static let side = 28
  /// Words for everything but the grain: 161 for glyph and distortion, 7 for the place, 5 for pen and ink, and 12 for
  /// each of at most three strokes.
  private static let geometryWords = 212
  /// Random words that one image consumes: the geometry's, and one byte of grain a pixel.
  static let wordCount = geometryWords + side * side / 4

  private var pen = DigitPen(side: side)
  private var ink = [Float](repeating: 0, count: side * side)

  /// Draws `digit` as white ink on black, row by row, one byte a pixel.
  ///
  /// - Parameter words: `wordCount` random words; the image depends on nothing else.
  mutating func draw(_ digit: Int, words: [UInt32], into pixels: UnsafeMutableBufferPointer<UInt8>) {
    var reader = WordReader(words[..<Self.geometryWords])
    let strokes = skeleton(of: digit, &reader)
    write(strokes, &reader)
    develop(&reader, grain: words[Self.geometryWords...], into: pixels)
  }

  /// The strokes as dense polylines in pixels.
  private func skeleton(of digit: Int, _ words: inout WordReader) -> [[DigitPoint]] {
    let glyphs = DigitGlyph.all[digit]
    let glyph = glyphs[words.index(below: glyphs.count)]
    let mixture = words.uniform(-0.25, 1.25)  // a little beyond both extremes
    let distort = DigitDistortion(&words)
    var strokes: [[DigitPoint]] = []
    for (low, high) in zip(glyph.low, glyph.high) {
      // The pen rarely lands exactly where it left off.
      let slipX = 0.018 * words.bell(), slipY = 0.018 * words.bell()
      let controls = stride(from: 0, to: low.count, by: 2).map { i in
        DigitPoint(
          x: (low[i] + mixture * (high[i] - low[i])) * 0.01 - 0.5 + slipX,
          y: (low[i + 1] + mixture * (high[i + 1] - low[i + 1])) * 0.01 - 0.5 + slipY)
      }
      strokes.append(smoothCurve(through: controls).map { distort($0) })
    }
    return placed(strokes, &words)
  }

  /// Scales the box to 20 pixels, centres what is drawn, and moves it by up to two pixels.
  private func placed(_ strokes: [[DigitPoint]], _ words: inout WordReader) -> [[DigitPoint]] {
    var least = strokes[0][0], greatest = strokes[0][0]
    for stroke in strokes {
      for p in stroke {
        least = DigitPoint(x: min(least.x, p.x), y: min(least.y, p.y))
        greatest = DigitPoint(x: max(greatest.x, p.x), y: max(greatest.y, p.y))
      }
    }
    let wanted = words.uniform(17, 20.5)
    // Fit what came out too tall or too wide: ink must not leave the image.
    let scale = min(wanted, 21 / max(greatest.x - least.x, greatest.y - least.y))
    let centreX = Float(Self.side) / 2 + 1.3 * words.bell() - scale * (least.x + greatest.x) / 2
    let centreY = Float(Self.side) / 2 + 0.9 * words.bell() - scale * (least.y + greatest.y) / 2
    return strokes.map { stroke in
      stroke.map { DigitPoint(x: centreX + scale * $0.x, y: centreY + scale * $0.y) }
    }
  }

  /// Draws every stroke with a pressure that drifts from its start to its end.
  private mutating func write(_ strokes: [[DigitPoint]], _ words: inout WordReader) {
    pen.clear()
    let radius = words.uniform(0.8, 1.75)
    for stroke in strokes {
      let start = radius * (1 + 0.2 * words.bell()), end = radius * (1 + 0.3 * words.bell())
      let step = (end - start) / Float(stroke.count - 1)
      for i in 1..<stroke.count {
        pen.draw(
          from: stroke[i - 1], to: stroke[i],
          radii: (start + step * Float(i - 1), start + step * Float(i)))
      }
    }
  }

  /// Ink becomes grey values: blurred edges, uneven strength, grain on paper and ink.
  private mutating func develop(
    _ words: inout WordReader, grain: ArraySlice<UInt32>, into pixels: UnsafeMutableBufferPointer<UInt8>
  ) {
    let softness = words.uniform(1, 1.7), strength = words.uniform(0.8, 1.05)
    let roughness = words.uniform(0.02, 0.22), paper = max(0, words.uniform(-0.06, 0.08))
    ink.withUnsafeMutableBufferPointer { pen.ink(softness: softness, into: $0) }
    grain.withUnsafeBufferPointer { grain in
      ink.withUnsafeBufferPointer { ink in
        var i = 0
        while i < ink.count {
          let byte = (grain[i / 4] >> UInt32(8 * (i % 4))) & 0xff
          let noise = Float(byte) * (1 / 127.5) - 1
          let level = ink[i] * (strength + roughness * noise) + (1 - ink[i]) * paper * noise
          pixels[i] = UInt8(max(0, min(1, level)) * 255 + 0.5)
          i += 1
        }
      }
    }
  }

  /// A Catmull-Rom curve through the points, six pieces a span; end points are doubled.
  private func smoothCurve(through controls: [DigitPoint]) -> [DigitPoint] {
    let pieces = 5
    var curve = [controls[0]]
    curve.reserveCapacity((controls.count - 1) * pieces + 1)
    for i in 1..<controls.count {
      let a = controls[max(0, i - 2)], b = controls[i - 1], c = controls[i]
      let d = controls[min(controls.count - 1, i + 1)]
      for piece in 1...pieces {
        let t = Float(piece) / Float(pieces)
        curve.append(DigitPoint(x: catmullRom(a.x, b.x, c.x, d.x, t), y: catmullRom(a.y, b.y, c.y, d.y, t)))
      }
    }
    return curve
  }

  private func catmullRom(_ a: Float, _ b: Float, _ c: Float, _ d: Float, _ t: Float) -> Float {
    let linear = c - a, square = 2 * a - 5 * b + 4 * c - d, cube = 3 * (b - c) + d - a
    return b + 0.5 * t * (linear + t * (square + t * cube))
  }
}
