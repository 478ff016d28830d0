// SPDX-License-Identifier: MIT

/// The fewest nested loops that visit the elements of several views of one shape in row-major order: axes of length 1
/// dropped, neighbours merged where every view steps through them as through one.
package struct CollapsedLoop: Sendable {
  /// Extents, outermost first; empty for a single element.
  package private(set) var shape: [Int] = []
  /// For each view, its strides in elements, parallel to `shape`.
  package private(set) var strides: [[Int]]
  package let count: Int

  package init(_ views: [StridedView], shape full: [Int]) {
    count = elementCount(full)
    strides = Array(repeating: [], count: views.count)
    for axis in full.indices where full[axis] != 1 {
      let merges =
        !shape.isEmpty
        && views.indices.allSatisfy { strides[$0].last! == views[$0].strides[axis] * full[axis] }
      if merges { shape[shape.count - 1] *= full[axis] } else { shape.append(full[axis]) }
      for index in views.indices {
        if merges {
          strides[index][strides[index].count - 1] = views[index].strides[axis]
        } else {
          strides[index].append(views[index].strides[axis])
        }
      }
    }
  }

  /// Whether every view is dense: one loop with stride 1.
  package var isDense: Bool {
    shape.isEmpty || (shape.count == 1 && strides.allSatisfy { $0[0] == 1 })
  }

  /// The axes of a loop of at most `rank` axes, and where each view stands at each of its runs, in elements from the
  /// first: the other axes, the shortest but never the innermost, are spelled out.
  package func pieces(rank: Int) -> (axes: [Int], starts: [[Int]]) {
    var axes = Array(shape.indices)
    var starts = [Array(repeating: 0, count: strides.count)]
    while axes.count > max(1, rank) {
      let position = axes.indices.dropLast().min { shape[axes[$0]] < shape[axes[$1]] }!
      let axis = axes.remove(at: position)
      starts = starts.flatMap { start in
        (0..<shape[axis]).map { index in start.indices.map { start[$0] + index * strides[$0][axis] } }
      }
    }
    return (axes, starts)
  }
}
