// SPDX-License-Identifier: MIT

extension CPUBackend {
  /// Elements from which on stored results would leave all caches before they are read. Below, many small loops cost
  /// more than a second pass over what is in the cache.
  private static let fewestFused = 1 << 22

  package func reduce(
    _ kind: Reduction, _ geometry: ReductionGeometry, of program: PointwiseProgram, _ inputs: [StridedView],
    into y: StridedView
  ) -> Bool {
    guard elementCount(geometry.inputShape) >= Self.fewestFused, geometry.reducedCount > 0 else { return false }
    let launch = begin("\(kind)(\(program.structure.operations))")
    defer { launch.end() }
    reduceInSlabs(kind, geometry, of: program, inputs, into: y)
    return true
  }

  /// Computes the program's results and reduces them slab by slab.
  func reduceInSlabs(
    _ kind: Reduction, _ geometry: ReductionGeometry, of program: PointwiseProgram, _ inputs: [StridedView],
    into y: StridedView
  ) {
    let slabs = ReductionSlabs(geometry)
    let dtype = accumulator(kind, y.dtype)
    let isWhole = slabs.joined == nil && y.dtype == dtype && y.isContiguous
    let partial = isWhole ? y : scratch(slabs.partialShape, dtype)
    threads.run(chunks: slabs.count) { index in
      let slab = slabs[index]
      let operands = inputs.map { slab.part(of: $0) }
      let results = scratch(slab.geometry.inputShape, program.outputs[0].dtype)
      runPointwise(program, [PointwiseOperands(inputs: operands, outputs: [results])])
      let target = partial.viewed(
        shape: slab.geometry.outputShape, strides: contiguousStrides(slab.geometry.outputShape),
        offset: partial.offset + slab.result)
      fold(kind == .mean ? .sum : kind, slab.geometry, results, into: target)
    }
    var result = partial
    if let joined = slabs.joined {
      result = y.dtype == dtype && y.isContiguous ? y : scratch(y.shape, dtype)
      fold(kind == .mean || kind == .sumOfSquares ? .sum : kind, joined, partial, into: result)
    }
    if kind == .mean { divide(result, by: geometry.reducedCount) }
    if result.storage !== y.storage { convert(result, into: y) }
  }
}

/// A reduction cut into slabs along its outer axes, small enough to stay in a core's cache between a program that
/// computes one and the fold that reads it. The cuts depend on the shape only.
struct ReductionSlabs {
  /// Elements of a slab: 256 KiB, a quarter to a half of the second-level caches of today.
  private static let elements = 1 << 16

  private let whole: ReductionGeometry
  /// The axis that is cut, into pieces of `rows`; the axes before it are spelled out, those after it are whole.
  private let axis: Int
  private let rows: Int
  private let pieces: Int
  /// The reduction over what the slabs leave, where several go into one result.
  let joined: ReductionGeometry?
  let partialShape: [Int]

  init(_ geometry: ReductionGeometry) {
    let shape = geometry.inputShape
    whole = geometry
    axis = shape.indices.first { elementCount(Array(shape[($0 + 1)...])) <= Self.elements }!
    rows = max(1, Self.elements / elementCount(Array(shape[(axis + 1)...])))
    pieces = (shape[axis] + rows - 1) / rows
    let isReduced = shape.indices.map { geometry.axes.contains($0) }
    let outer = shape[..<axis] + [isReduced[axis] ? pieces : shape[axis]]
    partialShape = outer + (axis + 1..<shape.count).filter { !isReduced[$0] }.map { shape[$0] }
    let axes = (0...axis).filter { isReduced[$0] }
    joined = axes.isEmpty ? nil : ReductionGeometry("reduce", partialShape, axes: axes)
  }

  var count: Int { elementCount(Array(whole.inputShape[..<axis])) * pieces }

  struct Slab {
    /// Of the slab alone.
    let geometry: ReductionGeometry
    /// Where its results start among all partial ones.
    let result: Int
    fileprivate let start: [Int]

    func part(of view: StridedView) -> StridedView {
      let offset = zip(view.strides, start).reduce(view.offset) { $0 + $1.0 * $1.1 }
      return view.viewed(shape: geometry.inputShape, strides: view.strides, offset: offset)
    }
  }

  subscript(index: Int) -> Slab {
    let shape = whole.inputShape
    let piece = index % pieces
    var start = Array(repeating: 0, count: shape.count)
    var extents = shape
    (start[axis], extents[axis]) = (piece * rows, min(rows, shape[axis] - piece * rows))
    var rest = index / pieces
    for outer in (0..<axis).reversed() {
      (start[outer], extents[outer]) = (rest % shape[outer], 1)
      rest /= shape[outer]
    }
    let geometry = ReductionGeometry("reduce", extents, axes: whole.axes)
    // Of a reduced axis each piece has a result, of a kept one each row.
    var place = start
    if whole.axes.contains(axis) { place[axis] = piece }
    let result = zip(contiguousStrides(partialShape), place[...axis]).reduce(0) { $0 + $1.0 * $1.1 }
    return Slab(geometry: geometry, result: result, start: start)
  }
}
