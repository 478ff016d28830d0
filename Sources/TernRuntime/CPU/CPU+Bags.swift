// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func bags(
    _ plan: Bags, table: StridedView, indices: StridedView, offsets: StridedView, shares: StridedView?,
    into y: StridedView, positions: StridedView?
  ) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let (rows, columns) = (table.shape[0], table.shape[1])
    let (table, list) = (denseFloat(table), BagList(self, indices, offsets))
    require(list.count < Int32.max, "embeddingBag: \(list.count) indices, expected fewer than \(Int32.max)")
    let functions = tern_bags_functions_for(isa).pointee
    let (source, share, padding) = (table.floats, shares?.floats, plan.paddingIndex ?? -1)
    let owners = positions?.address.assumingMemoryBound(to: Int32.self)
    let perBag = columns * max(1, list.count / max(1, y.shape[0]))
    write(y) { y in
      let target = y.floats
      forEachRange(y.shape[0], elementsEach: perBag) { first, count in
        for bag in first..<first + count {
          let out = target + bag * columns
          out.update(repeating: 0, count: columns)
          let owner = owners.map { $0 + bag * columns }
          owner?.update(repeating: -1, count: columns)
          for entry in list.entries(of: bag) {
            let row = list.index(entry)
            if row == padding { continue }
            guard row >= 0 && row < rows else {
              out.update(repeating: .nan, count: columns)
              owner?.update(repeating: Int32(entry), count: columns)
              continue
            }
            if let owner {
              functions.keep_greater(out, owner, source + row * columns, Int32(entry), columns)
            } else {
              functions.add(out, source + row * columns, share![entry], columns)
            }
          }
        }
      }
    }
    withExtendedLifetime((table, list)) {}
  }

  package func bagEntries(
    _ plan: Bags, indices: StridedView, offsets: StridedView, weights: StridedView?, bags: StridedView,
    shares: StridedView
  ) {
    let launch = begin()
    defer { launch.end() }
    let list = BagList(self, indices, offsets)
    let weights = weights.map(denseFloat)
    let (weight, share, padding) = (weights?.floats, shares.floats, plan.paddingIndex ?? -1)
    require(
      list.bagCount < Int32.max, "embeddingBag: \(list.bagCount) bags, expected fewer than \(Int32.max)")
    let bagOf = bags.address.assumingMemoryBound(to: Int32.self)
    bagOf.update(repeating: -1, count: list.count)
    share.update(repeating: 0, count: list.count)
    forEachRange(list.bagCount, elementsEach: max(1, list.count / max(1, list.bagCount))) { first, count in
      for bag in first..<first + count {
        let entries = list.entries(of: bag)
        let counted = plan.mode == .mean ? entries.count { list.index($0) != padding } : 1
        for entry in entries {
          bagOf[entry] = Int32(bag)
          share[entry] = list.index(entry) == padding ? 0 : (weight?[entry] ?? 1) / Float(counted)
        }
      }
    }
    withExtendedLifetime((list, weights)) {}
  }

  package func bagGradient(
    _ plan: Bags, dy: StridedView, indices: StridedView, bags: StridedView, shares: StridedView,
    positions: StridedView?, into dTable: StridedView
  ) {
    let launch = begin()
    defer { launch.end() }
    if dTable.count == 0 { return }
    let (rows, columns) = (dTable.shape[0], dTable.shape[1])
    let (dy, indices) = (denseFloat(dy), dense(indices, as: .int64))
    let order = RowOrder(self, indices, rows: rows)
    let functions = tern_bags_functions_for(isa).pointee
    let (source, share) = (dy.floats, shares.floats)
    let bagOf = bags.address.assumingMemoryBound(to: Int32.self)
    let owners = positions?.address.assumingMemoryBound(to: Int32.self)
    write(dTable) { target in
      let target = target.floats
      forEachRange(rows, elementsEach: columns) { first, count in
        for row in first..<first + count {
          let out = target + row * columns
          out.update(repeating: 0, count: columns)
          if row == plan.paddingIndex { continue }
          for place in order.range(of: row) {
            let entry = order[place]
            let bag = Int(bagOf[entry])
            if bag < 0 { continue }
            if let owners {
              functions.add_owned(out, owners + bag * columns, source + bag * columns, Int32(entry), columns)
            } else {
              functions.add(out, source + bag * columns, share[entry], columns)
            }
          }
        }
      }
    }
    withExtendedLifetime((dy, order)) {}
  }
}

/// Which entries belong to which bag.
///
/// Sendable: read only; the pointers are into views that live as long.
private struct BagList: @unchecked Sendable {
  let count, bagCount: Int
  private let indices, offsets: StridedView
  private let index, offset: UnsafeMutablePointer<Int64>

  init(_ backend: CPUBackend, _ indices: StridedView, _ offsets: StridedView) {
    self.indices = backend.dense(indices, as: .int64)
    self.offsets = backend.dense(offsets, as: .int64)
    index = self.indices.address.assumingMemoryBound(to: Int64.self)
    offset = self.offsets.address.assumingMemoryBound(to: Int64.self)
    (count, bagCount) = (indices.count, offsets.count)
  }

  func index(_ entry: Int) -> Int { Int(index[entry]) }

  func entries(of bag: Int) -> Range<Int> {
    let start = min(count, max(0, Int(offset[bag])))
    let end = bag + 1 < bagCount ? min(count, Int(offset[bag + 1])) : count
    return start..<max(start, end)
  }
}
