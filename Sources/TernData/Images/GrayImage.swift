// SPDX-License-Identifier: MIT
import TernRuntime

/// A grey picture of any size; 0 is black, 1 is white, row by row.
public struct GrayImage: Sendable, Equatable {
  /// Columns, in pixels.
  public let width: Int
  /// Rows, in pixels.
  public let height: Int
  /// `width * height` levels, row by row; 0 is black, 1 is white.
  public let levels: [Float]

  /// A picture from its levels, which are taken as they are, in 0 ... 1 or not.
  ///
  /// - Precondition: `levels` holds `width * height` numbers, and both sides are positive.
  public init(width: Int, height: Int, levels: [Float]) {
    require(
      width > 0 && height > 0 && levels.count == width * height,
      "GrayImage: \(width) x \(height) pixels need \(width * height) levels, got \(levels.count)")
    self.width = width
    self.height = height
    self.levels = levels
  }

  /// The level of the pixel in column `x` and row `y`, from the top left.
  ///
  /// - Precondition: `x` is in `0 ..< width` and `y` in `0 ..< height`.
  public subscript(x: Int, y: Int) -> Float { levels[y * width + x] }

  /// Each level turned around: ink on paper becomes light on dark.
  public var inverted: GrayImage {
    GrayImage(width: width, height: height, levels: levels.map { 1 - $0 })
  }

  /// Whether the picture is drawn dark on light: the median of the pixels along its border is above one half.
  public var hasLightBackground: Bool {
    var border: [Float] = []
    for y in 0..<height {
      for x in 0..<width where y == 0 || x == 0 || y == height - 1 || x == width - 1 { border.append(self[x, y]) }
    }
    return border.sorted()[border.count / 2] > 0.5
  }

  /// The part of the picture from `(x, y)` on.
  func cropped(x: Range<Int>, y: Range<Int>) -> GrayImage {
    GrayImage(
      width: x.count, height: y.count, levels: y.flatMap { row in x.map { self[$0, row] } })
  }

  /// The picture at another size: each new pixel is the average over the area it covers of the old ones.
  func resized(width newWidth: Int, height newHeight: Int) -> GrayImage {
    let columns = Self.coverage(of: width, by: newWidth), rows = Self.coverage(of: height, by: newHeight)
    var narrow = [Float](repeating: 0, count: newWidth * height)
    for y in 0..<height {
      for x in 0..<newWidth {
        narrow[y * newWidth + x] = columns[x].reduce(0) { $0 + $1.weight * levels[y * width + $1.source] }
      }
    }
    var result = [Float](repeating: 0, count: newWidth * newHeight)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        result[y * newWidth + x] = rows[y].reduce(0) { $0 + $1.weight * narrow[$1.source * newWidth + x] }
      }
    }
    return GrayImage(width: newWidth, height: newHeight, levels: result)
  }

  /// For each of `count` equal cells across `length` pixels: the pixels it covers and each one's share of the cell.
  private static func coverage(of length: Int, by count: Int) -> [[(source: Int, weight: Float)]] {
    let cell = Double(length) / Double(count)
    return (0..<count).map { index in
      let start = Double(index) * cell, end = min(Double(length), Double(index + 1) * cell)
      return (Int(start)..<min(length, Int(end.rounded(.up)))).map { source in
        let covered = min(end, Double(source + 1)) - max(start, Double(source))
        return (source, Float(covered / cell))
      }
    }
  }
}
