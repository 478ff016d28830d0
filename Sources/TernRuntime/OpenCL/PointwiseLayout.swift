// SPDX-License-Identifier: MIT

/// How one set of a program's operands lies in memory, with as few axes and views as possible.
struct PointwiseLayout {
  /// The distinct views: all inputs, then those outputs that are not the very view of an input.
  let views: [StridedView]
  /// For each output its place in `views`; an update in place shares its input's.
  let outputPlaces: [Int]
  /// Extents, outermost first; at least one axis.
  let shape: [Int]
  /// For each view its strides, parallel to `shape`.
  let strides: [[Int]]
  /// For each view the element where it starts.
  let offsets: [Int]
  let count: Int
  private let loop: CollapsedLoop

  init(_ operands: PointwiseOperands) {
    var views = operands.inputs
    outputPlaces = operands.outputs.map { output in
      if let place = operands.inputs.firstIndex(where: { $0.isSameMemory(as: output) }) { return place }
      views.append(output)
      return views.count - 1
    }
    let full = operands.outputs.first?.shape ?? []
    for view in views {
      require(view.shape == full, "pointwise: operands must have one shape, got \(view.shape) and \(full)")
    }
    loop = CollapsedLoop(views, shape: full)
    self.views = views
    offsets = views.map(\.offset)
    count = loop.count
    shape = loop.shape.isEmpty ? [1] : loop.shape
    strides = loop.shape.isEmpty ? views.map { _ in [1] } : loop.strides
  }

  private init(_ whole: PointwiseLayout, keeping axes: [Int], at start: [Int]) {
    views = whole.views
    outputPlaces = whole.outputPlaces
    offsets = zip(whole.offsets, start).map { $0 + $1 }
    shape = axes.map { whole.shape[$0] }
    strides = whole.strides.map { strides in axes.map { strides[$0] } }
    count = elementCount(shape)
    loop = whole.loop
  }

  /// The same work in pieces of at most `rank` axes.
  func pieces(rank: Int) -> [PointwiseLayout] {
    guard shape.count > rank else { return [self] }
    let (axes, starts) = loop.pieces(rank: rank)
    return starts.map { PointwiseLayout(self, keeping: axes, at: $0) }
  }
}

/// What a kernel's text depends on, beside the program: everything but extents, strides, offsets and addresses.
struct PointwiseLayoutClass: Hashable {
  /// How a view moves along the innermost axis.
  enum Step: UInt8, Hashable {
    case repeated, dense, strided
  }
  let rank: Int
  let steps: [Step]
  let outputPlaces: [Int]
  /// Whether positions need more than 31 bits. GPUs divide 32-bit numbers several times faster.
  let isWide: Bool

  init(_ layout: PointwiseLayout) {
    rank = layout.shape.count
    steps = layout.strides.map { strides in
      switch strides.last! {
      case 0: .repeated
      case 1: .dense
      default: .strided
      }
    }
    outputPlaces = layout.outputPlaces
    isWide = layout.count > Int(Int32.max)
  }

  /// Of operands that are dense or one repeated element each, and of no output; nil if one is neither.
  init?(linear views: [StridedView]) {
    var steps: [Step] = []
    for view in views {
      let isRepeated = zip(view.shape, view.strides).allSatisfy { $0 == 1 || $1 == 0 }
      guard isRepeated || view.isContiguous else { return nil }
      steps.append(isRepeated ? .repeated : .dense)
    }
    (rank, self.steps, outputPlaces, isWide) = (1, steps, [], false)
  }

  /// Whether every element can be found from its number alone.
  var isLinear: Bool { rank == 1 && !steps.contains(.strided) }
}

extension StridedView {
  /// Whether both see the same elements in the same places.
  fileprivate func isSameMemory(as other: StridedView) -> Bool {
    storage === other.storage && offset == other.offset && dtype == other.dtype && strides == other.strides
  }
}
