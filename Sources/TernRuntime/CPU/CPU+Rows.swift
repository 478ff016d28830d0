// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func gatherRows(_ table: StridedView, _ indices: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    let rows = table.shape[0]
    let columns = table.shape[1]
    if y.count == 0 { return }
    let table = table.strides[1] == 1 && table.dtype == y.dtype ? table : dense(table, as: y.dtype)
    let indices = dense(indices, as: .int64)
    let positions = indices.address.assumingMemoryBound(to: Int64.self)
    let width = y.dtype.byteCount
    let (source, target, stride) = (table.address, y.address, table.strides[0] * width)
    let missing = y.dtype.notANumber
    forEachRange(indices.count, elementsEach: columns) { first, count in
      for row in first..<first + count {
        let out = target + row * columns * width
        let index = Int(positions[row])
        if index >= 0 && index < rows {
          out.copyMemory(from: source + index * stride, byteCount: columns * width)
        } else {
          fill(out, with: missing, width: width, count: columns)
        }
      }
    }
    withExtendedLifetime((table, indices)) {}
  }

  /// Repeats the low `width` bytes of `bits`.
  private func fill(_ target: UnsafeMutableRawPointer, with bits: UInt32, width: Int, count: Int) {
    guard bits != 0 else {
      target.initializeMemory(as: UInt8.self, repeating: 0, count: width * count)
      return
    }
    if width == 4 {
      target.initializeMemory(as: UInt32.self, repeating: bits, count: count)
    } else {
      target.initializeMemory(as: UInt16.self, repeating: UInt16(truncatingIfNeeded: bits), count: count)
    }
  }

  package func scatterAddRows(_ dy: StridedView, _ indices: StridedView, into dTable: StridedView) {
    let launch = begin()
    defer { launch.end() }
    let rows = dTable.shape[0]
    let columns = dTable.shape[1]
    if dTable.count == 0 { return }
    let dy = denseFloat(dy)
    let indices = dense(indices, as: .int64)
    let order = RowOrder(self, indices, rows: rows)
    write(dTable) { target in
      let (source, target) = (dy.floats, target.floats)
      forEachRange(rows, elementsEach: columns) { first, count in
        tern_scatter_rows(source, columns, order.ends, order.sorted, target, first, first + count)
      }
    }
    withExtendedLifetime((dy, order)) {}
  }
}

/// Positions in a list of row numbers, sorted by row and in order within a row (a counting sort).
///
/// Sendable: written by `init` only; the pointers are into views that live as long.
struct RowOrder: @unchecked Sendable {
  private let views: [StridedView]
  /// Where the positions of the row after each begin.
  fileprivate let ends, sorted: UnsafeMutablePointer<Int64>

  /// - Parameter indices: dense `int64`; those outside `0 ..< rows` are left out.
  init(_ backend: CPUBackend, _ indices: StridedView, rows: Int) {
    views = [backend.scratch([rows + 1], .int64), backend.scratch([indices.count], .int64)]
    ends = views[0].address.assumingMemoryBound(to: Int64.self)
    sorted = views[1].address.assumingMemoryBound(to: Int64.self)
    tern_row_order(indices.address.assumingMemoryBound(to: Int64.self), indices.count, rows, ends, sorted)
  }

  func range(of row: Int) -> Range<Int> { Int(row == 0 ? 0 : ends[row - 1])..<Int(ends[row]) }
  subscript(_ place: Int) -> Int { Int(sorted[place]) }
}

extension DType {
  /// The bits of NaN, or of 0 for types without it.
  var notANumber: UInt32 {
    switch self {
    case .float32: 0x7fc0_0000
    case .float16: 0x7e00
    case .bfloat16: 0x7fc0
    case .int32, .int64, .bool: 0
    }
  }
}
