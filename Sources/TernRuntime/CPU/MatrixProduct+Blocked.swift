// SPDX-License-Identifier: MIT
import CTernCPU

/// Large products: blocks of `b` are packed for all threads, then each thread packs its own rows of `a`.
extension MatrixProduct {
  /// Some columns of a product, whose right operand stands in the packed block from a panel on.
  private struct Segment {
    let product: MatrixProduct
    let firstColumn, columns: Int
    let firstPanel: Int
    var panels: Range<Int> { firstPanel..<firstPanel + (columns + product.width - 1) / product.width }
  }

  /// Whether several products of one left operand are to be run together, its rows packed once for all of them: those
  /// that would pack them alone, too, if their columns fit one block.
  static func canSharePacking(_ products: [MatrixProduct]) -> Bool {
    let columns = products.reduce(0) { $0 + ($1.n + $1.width - 1) / $1.width * $1.width }
    return products.count > 1 && columns <= blockColumns
      && products.allSatisfy { $0.k > 0 && $0.n > 1 && $0.algorithm == .blocked }
  }

  /// - Parameter products: one, or several of the same left operand that fit a block together.
  static func runBlocked(_ products: [MatrixProduct], _ threads: ThreadPool) {
    let (n, width) = (products.map(\.n).max()!, products[0].width)
    for column in stride(from: 0, to: n, by: blockColumns) {
      var segments: [Segment] = []
      for product in products where column < product.n {
        segments.append(
          Segment(
            product: product, firstColumn: column, columns: min(blockColumns, product.n - column),
            firstPanel: segments.last?.panels.upperBound ?? 0))
      }
      let panels = segments.last!.panels.upperBound
      ScratchPool.shared.withFloats(panels * width * min(products[0].k, blockDepth)) { packed in
        products[0].forEachDepth { start, depth in
          for segment in segments {
            segment.product.packColumns(
              threads, segment.firstColumn, segment.columns, start, depth,
              into: packed + segment.firstPanel * width * depth)
          }
          multiply(segments, packed, panels: panels, start: start, depth: depth, threads)
        }
      }
    }
  }

  /// Packs a block of `b`, panel by panel.
  func packColumns(
    _ threads: ThreadPool, _ first: Int, _ columns: Int, _ start: Int, _ depth: Int,
    into packed: UnsafeMutablePointer<Float>
  ) {
    // Packing one element costs about as much as eight multiply-adds.
    chunks(threads, count: (columns + width - 1) / width, work: 8 * width * depth) { range in
      let column = range.lowerBound * width
      var b = self.b
      functions.pack_columns(
        &b, first + column, min(range.upperBound * width, columns) - column, start, depth, packed + column * depth)
    }
  }

  /// All rows of the left operand against the packed block.
  private static func multiply(
    _ segments: [Segment], _ packedB: UnsafeMutablePointer<Float>, panels: Int, start: Int, depth: Int,
    _ threads: ThreadPool
  ) {
    let (first, width) = (segments[0].product, segments[0].product.width)
    let tile = Int(first.functions.rows)
    let tiles = (first.m + tile - 1) / tile
    let rowBlocks = (tiles * tile * depth + blockElements - 1) / blockElements
    // Each cut of the columns packs the rows again.
    let cuts = columnCuts(threads, rows: rowBlocks, most: panels * width / 256)
    threads.run(chunks: rowBlocks * cuts) { index in
      let (blockIndex, cut) = (index / cuts, index % cuts)
      let row = tiles * blockIndex / rowBlocks * tile
      let rows = min(tiles * (blockIndex + 1) / rowBlocks * tile, first.m) - row
      let part = panels * cut / cuts..<panels * (cut + 1) / cuts
      ScratchPool.shared.withFloats(rows * depth) { packedA in
        var a = first.a
        first.functions.pack_rows(&a, row, rows, start, depth, packedA)
        for segment in segments {
          let here = part.clamped(to: segment.panels)
          if here.isEmpty { continue }
          let offset = (here.lowerBound - segment.firstPanel) * width
          let end = min((here.upperBound - segment.firstPanel) * width, segment.columns)
          var block = segment.product.block(
            row: row, rows: rows, column: segment.firstColumn + offset, columns: end - offset, start: start,
            depth: depth)
          block.a = UnsafePointer(packedA)
          block.b = UnsafePointer(packedB + here.lowerBound * width * depth)
          block.b_step = width
          block.b_panel_step = width * depth
          first.functions.multiply(&block)
        }
      }
    }
  }
}
