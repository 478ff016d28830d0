// SPDX-License-Identifier: MIT
import CTernCPU

/// One product of matrices on the CPU, `c (+)= a · b (+ biases)`, then activated, cut into blocks that fit the caches
/// and the threads.
///
/// `a` `[m, k]` and `b` `[k, n]` may have any strides and element type; `c` is Float32 with contiguous rows. The cuts
/// along `m` and `n` never change a result, the cut along `k` depends on `k` alone, and sums run in ascending `k`: so
/// the bits do not depend on the number of threads.
package struct MatrixProduct {
  /// Depth of a block: one panel of `b` (128 KiB with 32 columns) and one block of `a` share a second-level cache of
  /// 1 MiB. Deeper is better than the textbook's first-level panel: `c` is read and written less often.
  static let blockDepth = 1024
  /// Elements of a block of `a`: 448 KiB.
  static let blockElements = 112 * 1024
  /// Elements of `b` that stay in the second-level cache while rows of `a` pass by: 1 MiB.
  static let nearElements = 1 << 18
  /// Columns of a packed block of `b`: at most 8 MiB, shared by all threads in the third-level cache.
  static let blockColumns = 2048
  /// Multiply-adds that are worth a chunk of their own for another thread: about 20 µs.
  static let chunkWork = 1 << 20

  let functions: tern_gemm_functions
  let m: Int, n: Int, k: Int
  let a: tern_matrix, b: tern_matrix
  let c: UnsafeMutablePointer<Float>
  let rowStep: Int
  package var rowBias: UnsafePointer<Float>?
  package var columnBias: UnsafePointer<Float>?
  package var accumulate = false
  /// Applied to the finished elements of `c`.
  package var activation = Activation.none

  package init(
    m: Int, n: Int, k: Int, a: tern_matrix, b: tern_matrix, c: UnsafeMutablePointer<Float>, rowStep: Int,
    functions: tern_gemm_functions = tern_gemm().pointee
  ) {
    (self.m, self.n, self.k, self.a, self.b, self.c, self.rowStep) = (m, n, k, a, b, c, rowStep)
    self.functions = functions
  }

  var width: Int { Int(functions.columns) }
  private var isFloat: Bool { a.element == TERN_ELEMENT_FLOAT32 && b.element == TERN_ELEMENT_FLOAT32 }

  /// Which way the operands are read.
  enum Algorithm: Equatable {
    /// Both operands have contiguous `k` and one is so thin that packing the other would cost more than the product.
    case dot
    /// `a` is row-major, and `b` so small that it stays near: packing `a` would cost more than it saves.
    case rowMajor
    /// Few rows: `a` is packed whole, each panel of `b` is packed (or read in place) once.
    case fewRows(packsB: Bool)
    /// `b` is packed into a block for all threads, then each packs its own rows of `a`.
    case blocked
  }

  var algorithm: Algorithm {
    if isFloat && a.column_stride == 1 && b.row_stride == 1 && min(m, n) <= 4 { return .dot }
    let readsA = isFloat && a.column_stride == 1
    if readsA && n <= width && m >= 4 { return .rowMajor }
    let readsB =
      isFloat && b.column_stride == 1
      && (m <= Int(functions.rows) || (m <= 128 && k * n <= 1 << 19))  // up to 2 MiB stays near
    if readsB { return .fewRows(packsB: false) }
    if readsA && m >= 64 && n * min(k, Self.blockDepth) <= Self.nearElements { return .rowMajor }
    return m * min(k, Self.blockDepth) <= Self.blockElements ? .fewRows(packsB: true) : .blocked
  }

  package func run(_ threads: ThreadPool) {
    if m == 0 || n == 0 { return }
    if k == 0 { return fillWithBiases() }
    switch algorithm {
    case .dot: runDot(threads)
    case .rowMajor: runRowMajor(threads)
    case .fewRows(let packsB): runFewRows(threads, packsB: packsB)
    case .blocked: Self.runBlocked([self], threads)
    }
  }

  private func floats(_ matrix: tern_matrix) -> UnsafePointer<Float> {
    matrix.data.assumingMemoryBound(to: Float.self)
  }

  /// A block of `c` for `depth` of `k` from `start`, with the biases in the first step only and the activation in the
  /// last.
  func block(row: Int, rows: Int, column: Int, columns: Int, start: Int, depth: Int) -> tern_gemm_block {
    let first = start == 0
    var block = tern_gemm_block()
    (block.m, block.n, block.k) = (rows, columns, depth)
    block.c = c + row * rowStep + column
    block.c_step = rowStep
    if first {
      block.row_bias = rowBias.map { $0 + row }
      block.column_bias = columnBias.map { $0 + column }
    }
    block.accumulate = accumulate || !first
    block.activation = start + depth == k ? activation.rawValue : Activation.none.rawValue
    return block
  }

  /// Cuts `count` units, `work` multiply-adds each, into equal chunks for threads.
  func chunks(_ threads: ThreadPool, count: Int, work: Int, _ body: (Range<Int>) -> Void) {
    let chunks = max(1, min(count, 64, count * work / Self.chunkWork))
    threads.run(chunks: chunks) { index in body(count * index / chunks..<count * (index + 1) / chunks) }
  }

  /// Into how many parts columns are cut where there are few pieces of rows for many threads.
  static func columnCuts(_ threads: ThreadPool, rows pieces: Int, most: Int) -> Int {
    threads.threadCount == 1 ? 1 : max(1, min(16 / pieces, most))
  }

  func forEachDepth(_ body: (_ start: Int, _ depth: Int) -> Void) {
    Self.forEachDepth(of: k, body)
  }

  /// Cuts a sum into blocks of nearly equal depth.
  static func forEachDepth(of k: Int, _ body: (_ start: Int, _ depth: Int) -> Void) {
    let blocks = (k + blockDepth - 1) / blockDepth
    for index in 0..<blocks { body(k * index / blocks, k * (index + 1) / blocks - k * index / blocks) }
  }

  /// A sum over nothing; the operands may not even have an address.
  private func fillWithBiases() {
    var block = self.block(row: 0, rows: m, column: 0, columns: n, start: 0, depth: 0)
    (block.a, block.b) = (UnsafePointer(c), UnsafePointer(c))
    functions.multiply(&block)
  }

  private func runDot(_ threads: ThreadPool) {
    let tall = m >= n
    chunks(threads, count: ((tall ? m : n) + 3) / 4, work: 4 * min(m, n) * k) { range in
      let start = range.lowerBound * 4
      let count = min(range.upperBound * 4, tall ? m : n) - start
      var block =
        tall
        ? self.block(row: start, rows: count, column: 0, columns: n, start: 0, depth: k)
        : self.block(row: 0, rows: m, column: start, columns: count, start: 0, depth: k)
      block.a = floats(a) + (tall ? start * a.row_stride : 0)
      block.a_step = a.row_stride
      block.b = floats(b) + (tall ? 0 : start * b.column_stride)
      block.b_step = b.column_stride
      functions.dot(&block)
    }
  }

  private func runRowMajor(_ threads: ThreadPool) {
    let rows = Int(functions.direct_rows)
    let panels = (n + width - 1) / width
    ScratchPool.shared.withFloats(panels * width * min(k, Self.blockDepth)) { packed in
      forEachDepth { start, depth in
        packColumns(threads, 0, n, start, depth, into: packed)
        let tiles = (m + rows - 1) / rows
        let cuts = Self.columnCuts(threads, rows: tiles, most: panels)
        chunks(threads, count: tiles * cuts, work: rows * n * depth / cuts) { range in
          // A tile's rows against many panels: they stay in the first-level cache meanwhile.
          for index in range {
            let (tile, cut) = (index / cuts, index % cuts)
            let (row, column) = (m * tile / tiles, panels * cut / cuts * width)
            var block = self.block(
              row: row, rows: m * (tile + 1) / tiles - row, column: column,
              columns: min(panels * (cut + 1) / cuts * width, n) - column, start: start, depth: depth)
            block.a = floats(a) + row * a.row_stride + start
            block.a_step = a.row_stride
            block.b = UnsafePointer(packed + column * depth)
            block.b_step = width
            block.b_panel_step = width * depth
            functions.multiply_row_major(&block)
          }
        }
      }
    }
  }

  private func runFewRows(_ threads: ThreadPool, packsB: Bool) {
    // A column-major `a` is already a panel when all its rows fit into one.
    let readsA = isFloat && a.column_stride != 0 && a.row_stride == 1 && m <= Int(functions.rows)
    let panels = (n + width - 1) / width
    ScratchPool.shared.withFloats(readsA ? 0 : m * min(k, Self.blockDepth)) { packedA in
      forEachDepth { start, depth in
        var a = self.a
        if !readsA { functions.pack_rows(&a, 0, m, start, depth, packedA) }
        chunks(threads, count: panels, work: m * width * depth) { range in
          ScratchPool.shared.withFloats(width * depth) { packedB in
            var panel = range.lowerBound
            while panel < range.upperBound {
              let column = panel * width
              // Vectors at the right edge would read beyond a matrix in place.
              let whole = packsB ? 0 : min(range.upperBound, n / width) - panel
              let columns = min(max(1, whole) * width, n - column)
              var block = self.block(row: 0, rows: m, column: column, columns: columns, start: start, depth: depth)
              block.a = readsA ? floats(a) + start * a.column_stride : UnsafePointer(packedA)
              block.a_step = readsA ? a.column_stride : 0
              if whole <= 0 {
                var b = self.b
                functions.pack_columns(&b, column, columns, start, depth, packedB)
                block.b = UnsafePointer(packedB)
                block.b_step = width
              } else {
                block.b = floats(b) + start * b.row_stride + column
                block.b_step = b.row_stride
                block.b_panel_step = width
              }
              functions.multiply(&block)
              panel += max(1, whole)
            }
          }
        }
      }
    }
  }
}
