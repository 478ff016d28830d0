// SPDX-License-Identifier: MIT
import Tern

extension GrayImage {
  /// Ink fainter than this share of the strongest is taken for paper.
  private static let faintest: Float = 0.2

  /// The picture as models of handwritten digits expect it: 28 x 28 bytes, light ink on a dark ground.
  ///
  /// A picture with a light background is inverted. One of 28 x 28 pixels is then taken as it is; any other is cropped
  /// to its ink, scaled by area averaging until its longer side is 20 pixels, and placed so that the ink's centre of
  /// mass is in the middle, which is how the MNIST digits were made.
  ///
  /// - Throws: `TernError` with code `format` if the picture shows nothing: all its pixels are equal.
  public func normalizedDigit() throws -> [UInt8] {
    let drawing = hasLightBackground ? inverted : self
    let least = drawing.levels.min() ?? 0, greatest = drawing.levels.max() ?? 0
    guard greatest > least else {
      throw TernError(
        .format, "the picture of \(width) x \(height) pixels is blank", remedy: "give a picture with one digit on it")
    }
    let side = DigitArtist.side
    if width == side && height == side { return drawing.levels.map(Self.byte) }
    let ink = drawing.levels.map { ($0 - least) / (greatest - least) }
    return GrayImage(width: width, height: height, levels: ink).fitted(into: side, box: 20)
  }

  /// Crops to the ink, scales the longer side to `box`, and centres the mass in a square of `side` pixels.
  private func fitted(into side: Int, box: Int) -> [UInt8] {
    let inked = levels.indices.filter { levels[$0] > Self.faintest }
    let rows = inked.map { $0 / width }, columns = inked.map { $0 % width }
    guard let top = rows.min(), let bottom = rows.max(), let left = columns.min(), let right = columns.max() else {
      return [UInt8](repeating: 0, count: side * side)
    }
    let crop = cropped(x: left..<right + 1, y: top..<bottom + 1)
    let scale = Double(box) / Double(max(crop.width, crop.height))
    let small = crop.resized(
      width: max(1, Int((Double(crop.width) * scale).rounded())),
      height: max(1, Int((Double(crop.height) * scale).rounded())))
    let centre = small.centreOfMass
    let x0 = Int((Float(side) / 2 - centre.x).rounded()), y0 = Int((Float(side) / 2 - centre.y).rounded())
    var pixels = [UInt8](repeating: 0, count: side * side)
    for y in 0..<small.height where (0..<side).contains(y + y0) {
      for x in 0..<small.width where (0..<side).contains(x + x0) {
        pixels[(y + y0) * side + x + x0] = Self.byte(small[x, y])
      }
    }
    return pixels
  }

  private var centreOfMass: (x: Float, y: Float) {
    var mass: Float = 0, x: Float = 0, y: Float = 0
    for row in 0..<height {
      for column in 0..<width {
        mass += self[column, row]
        x += self[column, row] * (Float(column) + 0.5)
        y += self[column, row] * (Float(row) + 0.5)
      }
    }
    return (x / mass, y / mass)
  }

  private static func byte(_ level: Float) -> UInt8 { UInt8(max(0, min(1, level)) * 255 + 0.5) }
}
