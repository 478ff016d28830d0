// SPDX-License-Identifier: MIT

/// How `reduce.cl` goes through a view: `reduce_plan` there. It depends on shapes and strides and on the type of device
/// only, so sums are the same bits on every run.
struct OpenCLReductionPlan {
  /// Axes of a kind that the kernels take.
  static let maximumAxes = 6

  struct Axis {
    var extent, stride: Int
  }

  /// The view that is reduced.
  let source: StridedView
  /// Neighbouring outputs side by side, instead of the elements of one output.
  let usesColumns: Bool
  let outputs, reducedCount, parts: Int
  let lanes, share: Int
  private let kept, outer: [Axis]
  private let inner: Axis
  private let block, blocks, blocksPerSegment, blocksPerPart: Int
  private let columns: Int

  /// Fails where more axes than the kernels take remain after merging.
  init?(_ geometry: ReductionGeometry, _ x: StridedView, isCPUDevice: Bool, groupSize: Int) {
    let reducedAxes = Set(geometry.axes)
    let kept = Self.merged(x, x.shape.indices.filter { !reducedAxes.contains($0) })
    // Any order of the reduced axes gives the result; the one with the smallest steps innermost is the fastest.
    let reduced = Self.merged(x, geometry.axes.sorted { abs(x.strides[$0]) > abs(x.strides[$1]) })
    let inner = reduced.last ?? Axis(extent: 1, stride: 1)
    let outer = Array(reduced.dropLast())
    guard kept.count <= Self.maximumAxes, outer.count <= Self.maximumAxes else { return nil }
    let reducedCount = geometry.reducedCount
    let outputs = elementCount(geometry.outputShape)

    let column = kept.last ?? Axis(extent: 1, stride: 0)
    let stepsAreSmaller = abs(column.stride) < abs(inner.stride)
    // A row shorter than a few vectors is all overhead on a CPU; 16 rows abreast are not.
    let usesColumns =
      isCPUDevice
      ? column.extent >= 8 && (stepsAreSmaller || reducedCount <= 24)
      : column.extent >= 16 && stepsAreSmaller
    let strip = isCPUDevice ? 1024 : 32
    let block = usesColumns ? (isCPUDevice ? 64 : 16 * max(1, groupSize / 32)) : (isCPUDevice ? 1024 : 4096)
    let blocksPerSegment = ceilDivide(inner.extent, block)
    let blocks = blocksPerSegment * outer.reduce(1) { $0 * $1.extent }
    let lanes = min(groupSize, powerOfTwo(atLeast: ceilDivide(min(inner.extent, block), 4)))

    // Split long reductions where there are too few outputs to keep the device busy.
    let tasks: Int
    if usesColumns {
      tasks = outputs / column.extent * ceilDivide(column.extent, strip)
    } else {
      tasks = isCPUDevice ? outputs : ceilDivide(outputs * lanes, groupSize)
    }
    let partCount = isCPUDevice ? 65536 : 8192
    let wantedTasks = isCPUDevice ? 256 : 1024
    let elements = usesColumns ? reducedCount * min(column.extent, strip) : reducedCount
    let wanted = max(1, min(ceilDivide(elements, partCount), wantedTasks / max(1, tasks)))
    let blocksPerPart = max(1, ceilDivide(blocks, wanted))

    (self.usesColumns, self.outputs, self.reducedCount) = (usesColumns, outputs, reducedCount)
    (self.kept, self.outer, self.inner, self.lanes) = (kept, outer, inner, lanes)
    (self.block, self.blocks, self.blocksPerSegment, self.blocksPerPart) = (
      block, blocks, blocksPerSegment, blocksPerPart
    )
    parts = max(1, ceilDivide(blocks, blocksPerPart))
    share = max(1, 16384 / max(1, reducedCount))
    columns = column.extent
    source = x
  }

  /// The kernel of the first pass.
  var kernelName: String { usesColumns ? "reduce_columns" : "reduce_rows" }

  /// Work-items of the first pass.
  func items(isCPUDevice: Bool, groupSize: Int) -> Int {
    if usesColumns {
      let strips = ceilDivide(columns, isCPUDevice ? 1024 : 32)
      return outputs / columns * strips * parts * (isCPUDevice ? 1 : groupSize)
    }
    return isCPUDevice ? ceilDivide(outputs, share) * parts : outputs * parts * lanes
  }

  /// `reduce_plan`.
  func argument(outputOffset: Int) -> KernelArgument {
    func padded(_ axes: [Axis]) -> [Int] {
      let missing = Self.maximumAxes - axes.count
      return Array(repeating: 1, count: missing) + axes.map(\.extent) + Array(repeating: 0, count: missing)
        + axes.map(\.stride)
    }
    return .longs(
      padded(kept) + padded(outer) + [
        inner.extent, inner.stride, source.offset, outputOffset, outputs, block, blocksPerSegment, blocks,
        blocksPerPart, parts,
        share, lanes, columns,
      ])
  }

  /// Axes in this order, those of length 1 dropped, neighbours that one stride leads through made one.
  private static func merged(_ x: StridedView, _ axes: [Int]) -> [Axis] {
    let part = x.viewed(shape: axes.map { x.shape[$0] }, strides: axes.map { x.strides[$0] })
    let loop = CollapsedLoop([part], shape: part.shape)
    return zip(loop.shape, loop.strides[0]).map { Axis(extent: $0, stride: $1) }
  }
}
