// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func scan(_ kind: Scan, axis: Int, _ x: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let extents = AxisExtents(x.shape, axis: axis)
    let table = tern_scan_functions_for(isa).pointee
    if x.dtype.isFloatingPoint {
      let x = denseFloat(x)
      if kind.givesPositions {
        let find = kind == .maxPosition ? table.largest! : table.smallest!
        scanPositions(extents, x.floats, integers(y)) { find($0, $1, $2, $3, $4, $5, $6, $7) }
      } else {
        let accumulate = kind == .sum ? table.sum! : table.product!
        let nothing: Float = kind == .sum ? 0 : 1
        write(y) { y in
          scanValues(extents, x.floats, y.floats, nothing, kind == .sum ? { $0 + $1 } : { $0 * $1 }) {
            accumulate($0, $1, $2, $3, $4, $5)
          }
        }
      }
      withExtendedLifetime(x) {}
    } else {
      let x = dense(x, as: .int64)
      if kind.givesPositions {
        let find = kind == .maxPosition ? table.largest_int! : table.smallest_int!
        scanPositions(extents, integers(x), integers(y)) { find($0, $1, $2, $3, $4, $5, $6, $7) }
      } else {
        let accumulate = kind == .sum ? table.sum_int! : table.product_int!
        let nothing: Int64 = kind == .sum ? 0 : 1
        scanValues(extents, integers(x), integers(y), nothing, kind == .sum ? { $0 &+ $1 } : { $0 &* $1 }) {
          accumulate($0, $1, $2, $3, $4, $5)
        }
      }
      withExtendedLifetime(x) {}
    }
  }

  private func integers(_ view: StridedView) -> UnsafeMutablePointer<Int64> {
    view.address.assumingMemoryBound(to: Int64.self)
  }

  /// - Parameter scan: `x`, `y` or nil, count, stride, columns, what comes before; see `tern_scan_functions`.
  private func scanValues<T>(
    _ extents: AxisExtents, _ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>, _ nothing: T,
    _ combine: (T, T) -> T,
    _ scan: (UnsafePointer<T>, UnsafeMutablePointer<T>?, Int, Int, Int, UnsafeMutablePointer<T>) -> Void
  ) {
    let cut = CPUScanCut(extents)
    let inner = extents.inner
    var before = [T](repeating: nothing, count: cut.chunks > 1 ? extents.lines * cut.chunks : 0)
    func pass(into y: UnsafeMutablePointer<T>?, _ before: UnsafeMutableBufferPointer<T>) {
      cut.forEachStrip(threads) { start, length, chunk, line, columns in
        withUnsafeTemporaryAllocation(of: T.self, capacity: columns) { own in
          let kept = before.isEmpty ? nil : before.baseAddress! + chunk * extents.lines + line
          if let kept, y != nil {
            own.baseAddress!.update(from: kept, count: columns)
          } else {
            own.initialize(repeating: nothing)
          }
          scan(x + start, y.map { $0 + start }, length, inner, columns, own.baseAddress!)
          if let kept, y == nil { kept.update(from: own.baseAddress!, count: columns) }
        }
      }
    }
    before.withUnsafeMutableBufferPointer { before in
      if cut.chunks > 1 {
        pass(into: nil, before)
        for line in 0..<extents.lines {
          var running = nothing
          for chunk in 0..<cut.chunks {
            let own = before[chunk * extents.lines + line]
            before[chunk * extents.lines + line] = running
            running = combine(running, own)
          }
        }
      }
      pass(into: y, before)
    }
  }

  private typealias PositionScan<T> = (
    UnsafePointer<T>, UnsafeMutablePointer<Int64>?, Int, Int, Int, Int64, UnsafeMutablePointer<T>,
    UnsafeMutablePointer<Int64>
  ) -> Void

  /// - Parameter scan: `x`, `y` or nil, count, stride, columns, first position, and what comes before; see
  ///   `tern_scan_functions`.
  private func scanPositions<T>(
    _ extents: AxisExtents, _ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<Int64>, _ scan: PositionScan<T>
  ) {
    let cut = CPUScanCut(extents)
    let slots = cut.chunks > 1 ? extents.lines * cut.chunks : 0
    var (values, places) = ([T](repeating: x[0], count: slots), [Int64](repeating: -1, count: slots))
    values.withUnsafeMutableBufferPointer { values in
      places.withUnsafeMutableBufferPointer { places in
        func pass(into y: UnsafeMutablePointer<Int64>?) {
          let (values, places) = (values, places)
          cut.forEachStrip(threads) { start, length, chunk, line, columns in
            func run(_ value: UnsafeMutablePointer<T>, _ place: UnsafeMutablePointer<Int64>) {
              scan(
                x + start, y.map { $0 + start }, length, extents.inner, columns, Int64(chunk * cut.chunk), value, place)
            }
            if slots > 0 {
              let slot = chunk * extents.lines + line
              return run(values.baseAddress! + slot, places.baseAddress! + slot)
            }
            withUnsafeTemporaryAllocation(of: T.self, capacity: columns) { value in
              withUnsafeTemporaryAllocation(of: Int64.self, capacity: columns) { place in
                value.initialize(repeating: x[start])
                place.initialize(repeating: -1)
                run(value.baseAddress!, place.baseAddress!)
              }
            }
          }
        }
        if slots > 0 {
          pass(into: nil)
          for line in 0..<extents.lines {
            var (value, place) = (x[0], Int64(-1))
            for slot in stride(from: line, to: slots, by: extents.lines) {
              var own = (values[slot], places[slot])
              (values[slot], places[slot]) = (value, place)
              scan(&own.0, nil, 1, 1, 1, own.1, &value, &place)
            }
          }
        }
        pass(into: y)
      }
    }
  }
}

/// How dense lines are cut into chunks and strips of neighbouring lines: by their extents only.
private struct CPUScanCut {
  let chunk, chunks: Int
  private let extents: AxisExtents
  private let width: Int

  init(_ extents: AxisExtents) {
    self.extents = extents
    width = min(Int(TERN_SCAN_COLUMNS), max(1, extents.inner))
    // A second pass over the elements pays where there are too few lines for the threads.
    let isLong = extents.count >= 1 << 16 && extents.lines < 16
    chunk = isLong ? max(1 << 14, (extents.count + 255) / 256) : extents.count
    chunks = (extents.count + chunk - 1) / chunk
  }

  /// Calls `body` with the first element of a strip, its length, its chunk, its first line and its columns.
  func forEachStrip(
    _ threads: ThreadPool, _ body: (_ start: Int, _ length: Int, _ chunk: Int, _ line: Int, _ columns: Int) -> Void
  ) {
    let strips = (extents.inner + width - 1) / width
    let count = extents.outer * strips * chunks
    let together = max(1, (1 << 14) / (chunk * width))
    threads.run(chunks: (count + together - 1) / together) { part in
      for index in part * together..<min(count, (part + 1) * together) {
        let (slot, c) = (index / chunks, index % chunks)
        let (outer, column) = (slot / strips, slot % strips * width)
        body(
          (outer * extents.count + c * chunk) * extents.inner + column, min(chunk, extents.count - c * chunk), c,
          outer * extents.inner + column, min(width, extents.inner - column))
      }
    }
  }
}
