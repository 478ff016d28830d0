// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func rowNormalization(
    _ plan: RowNormalization, _ x: StridedView, weight: StridedView?, bias: StridedView?,
    into results: RowNormalization.Results
  ) {
    let launch = begin()
    defer { launch.end() }
    if plan.rows == 0 || plan.length == 0 { return }
    let table = tern_normalization_functions_for(isa).pointee
    let job = RowJob(self, plan, x: x, weight: weight, bias: bias)
    let (y, mean, deviation) = (results.y, results.mean?.floats, results.deviation.floats)
    forEachRange(plan.rows, elementsEach: plan.length) { first, count in
      var rows = job.rows(first, count)
      rows.y = tern_norm_array(y, step: plan.length, at: first * plan.length)
      rows.mean = mean.map { $0 + first }
      rows.deviation = deviation + first
      rows.streams = isWorthStreaming(y)
      table.rows(&rows)
    }
    withExtendedLifetime(job) {}
  }

  package func rowNormalizationGradient(
    _ plan: RowNormalization, _ saved: RowNormalization.Saved, dy: StridedView,
    into gradients: RowNormalization.Gradients
  ) {
    let launch = begin()
    defer { launch.end() }
    if plan.rows == 0 || plan.length == 0 {
      for sums in [gradients.dWeight, gradients.dBias] { sums.map { $0.floats.update(repeating: 0, count: $0.count) } }
      return
    }
    let table = tern_normalization_functions_for(isa).pointee
    let job = RowJob(self, plan, x: saved.x, weight: saved.weight, bias: nil)
    let (upstream, step) = plan.addressable(dy) { dense($0, as: $0.dtype) }
    let mean = saved.mean.map(denseFloat)
    let deviation = denseFloat(saved.deviation)
    let (means, deviations) = (mean?.floats, deviation.floats)
    // Parts of about 64 rows: their sums are floats, what joins them is double.
    let perPart = max(1, min(max(64, 4 * plan.groups), (plan.rows + 15) / 16))
    let parts = (plan.rows + perPart - 1) / perPart
    let width = job.weightCount
    let weightSums = gradients.dWeight.map { _ in scratch([parts, width]) }
    let biasSums = gradients.dBias.map { _ in scratch([parts, width]) }
    let (dWeights, dBiases, dx) = (weightSums?.floats, biasSums?.floats, gradients.dx)
    threads.run(chunks: parts) { part in
      let first = part * perPart
      var rows = job.rows(first, min(perPart, plan.rows - first))
      rows.dy = tern_norm_array(upstream, step: step, at: first * step)
      if let dx { rows.dx = tern_norm_array(dx, step: plan.length, at: first * plan.length) }
      rows.mean = means.map { $0 + first }
      rows.deviation = deviations + first
      rows.weight_sums = dWeights.map { $0 + part * width }
      rows.bias_sums = dBiases.map { $0 + part * width }
      rows.weight_sums?.update(repeating: 0, count: width)
      rows.bias_sums?.update(repeating: 0, count: width)
      table.rows_gradient(&rows)
    }
    if let weightSums, let result = gradients.dWeight {
      table.join(weightSums.floats, parts, plan.weightCount, job.fold, result.floats)
    }
    if let biasSums, let result = gradients.dBias {
      table.join(biasSums.floats, parts, plan.weightCount, job.fold, result.floats)
    }
    withExtendedLifetime((job, upstream, mean, deviation)) {}
  }

  /// Whether an output is so large that it would only sweep the caches.
  func isWorthStreaming(_ y: StridedView) -> Bool { y.dtype == .float32 && y.count >= 1 << 22 }
}

extension RowNormalization {
  /// A view whose rows are runs of neighbours, equally far from one another, and that distance: `x` itself where it can
  /// be seen so, else a dense copy.
  func addressable(_ x: StridedView, copy: (StridedView) -> StridedView) -> (view: StridedView, step: Int) {
    if let leadingAxes, let step = Self.stepOfRows(x, leadingAxes) { return (x, step) }
    return (x.isContiguous ? x : copy(x), length)
  }

  private static func stepOfRows(_ x: StridedView, _ leadingAxes: Int) -> Int? {
    func merged(_ axes: Range<Int>) -> CollapsedLoop {
      let part = x.viewed(shape: Array(x.shape[axes]), strides: Array(x.strides[axes]))
      return CollapsedLoop([part], shape: part.shape)
    }
    let (outer, inner) = (merged(0..<leadingAxes), merged(leadingAxes..<x.shape.count))
    return inner.isDense && outer.shape.count <= 1 ? outer.strides[0].first ?? 0 : nil
  }
}

/// What all rows of a normalization share on the CPU, and the arrays that must outlive it.
private final class RowJob {
  /// How many neighbours of the sums belong to one weight.
  let fold: Int
  /// Weights as the loops see them.
  let weightCount: Int
  private let x: StridedView
  private let step: Int
  private let weight, bias: StridedView?
  private let common: tern_norm_rows

  init(_ backend: CPUBackend, _ plan: RowNormalization, x: StridedView, weight: StridedView?, bias: StridedView?) {
    (self.x, step) = plan.addressable(x) { backend.dense($0, as: $0.dtype) }
    // Short runs of one weight are slow: then each element gets its own.
    let fold = plan.spread < Int(TERN_NORM_SPREAD) ? plan.spread : 1
    self.fold = fold
    weightCount = plan.weightCount * fold
    func perElement(_ view: StridedView?) -> StridedView? {
      guard let view else { return nil }
      let flat = backend.denseFloat(view)
      return fold == 1 ? flat : backend.repeated(flat, times: fold)
    }
    self.weight = perElement(weight)
    self.bias = perElement(bias)
    var common = tern_norm_rows()
    common.channels = plan.channels * fold
    common.spread = plan.spread / fold
    common.groups = plan.groups
    common.centers = plan.centers
    common.epsilon = plan.epsilon
    common.weight = self.weight.map { UnsafePointer($0.floats) }
    common.bias = self.bias.map { UnsafePointer($0.floats) }
    self.common = common
  }

  func rows(_ first: Int, _ count: Int) -> tern_norm_rows {
    var rows = common
    rows.first = first
    rows.rows = count
    rows.x = tern_norm_array(x, step: step, at: first * step)
    return rows
  }
}

extension CPUBackend {
  /// Each number of a dense list several times in a row.
  fileprivate func repeated(_ list: StridedView, times: Int) -> StridedView {
    let result = scratch([list.count, times])
    convert(list.viewed(shape: [list.count, times], strides: [1, 0]), into: result)
    return result
  }
}

extension tern_norm_array {
  /// Runs from an element of a view on.
  init(_ view: StridedView, step: Int, at element: Int) {
    self.init(data: view.address + element * view.dtype.byteCount, step: step, element: view.element)
  }
}
