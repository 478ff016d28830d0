// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func rowNormalization(
    _ plan: RowNormalization, _ x: StridedView, weight: StridedView?, bias: StridedView?,
    into results: RowNormalization.Results
  ) {
    guard results.y.count > 0 else { return }
    let (weight, bias) = (weight.map(flat), bias.map(flat))
    let x = stepped(plan, x)
    var sizes = sizes(of: plan, weight: weight)
    (sizes.x, sizes.y) = (x.place, .init(dense: results.y, sizes))
    (sizes.biases, sizes.bias) = (bias != nil, bias)
    // Vectors of 16 floats at their own alignment: buffers of CPU devices begin at a cache line.
    sizes.streams =
      results.y.dtype == .float32 && results.y.count >= 1 << 22 && results.y.offset % 16 == 0 && plan.length % 16 == 0
    (sizes.mean, sizes.deviation) = (results.mean, results.deviation)
    launchItems(
      Self.rowSource, "norm_rows", rowItems(plan, &sizes),
      [
        .buffer(x.view), sizes.argument, .float(plan.epsilon), .buffer(weight ?? results.deviation),
        .buffer(bias ?? results.deviation), .buffer(results.y), .buffer(results.mean ?? results.deviation),
        .buffer(results.deviation),
      ])
  }

  package func rowNormalizationGradient(
    _ plan: RowNormalization, _ saved: RowNormalization.Saved, dy: StridedView,
    into gradients: RowNormalization.Gradients
  ) {
    guard plan.rows > 0, plan.length > 0 else {
      for sums in [gradients.dWeight, gradients.dBias] {
        if let sums { pointwise(.fill(.real(0), dtype: .float32), [PointwiseOperands(inputs: [], outputs: [sums])]) }
      }
      return
    }
    let weight = saved.weight.map(flat)
    let (mean, deviation) = (saved.mean.map(flat), flat(saved.deviation))
    let (x, dy) = (stepped(plan, saved.x), stepped(plan, dy))
    var sizes = sizes(of: plan, weight: weight)
    (sizes.x, sizes.side) = (x.place, dy.place)
    if let dx = gradients.dx { sizes.dx = .init(dense: dx, sizes) }
    (sizes.writes, sizes.mean, sizes.deviation) = (gradients.dx != nil, mean, deviation)
    (sizes.biases, sizes.updates) = (gradients.dBias != nil, gradients.dWeight != nil)
    let wantsSums = gradients.dBias != nil || gradients.dWeight != nil
    let statistics: [KernelArgument] = [.buffer(mean ?? deviation), .buffer(deviation)]
    let source: [KernelArgument] = [.buffer(x.view), .buffer(dy.view)]
    let target = KernelArgument.buffer(gradients.dx ?? deviation)
    if isCPUDevice {
      sizes.part = max(1, min(max(64, 4 * plan.groups), ceilDivide(plan.rows, 16)))
      sizes.parts = ceilDivide(plan.rows, sizes.part)
      let partial = scratch(.float32, [wantsSums ? sizes.parts : 1, 2, plan.weightCount])
      launchItems(
        Self.rowSource, "norm_rows_gradient", sizes.parts,
        source + [sizes.argument, .buffer(weight ?? deviation)] + statistics + [target, .buffer(partial)])
      if wantsSums { join(partial, Self.rowSource, dWeight: gradients.dWeight, dBias: gradients.dBias) }
      return
    }
    if gradients.dx != nil {
      launchItems(
        Self.rowSource, "norm_rows_gradient", rowItems(plan, &sizes),
        source + [sizes.argument, .buffer(weight ?? deviation)] + statistics + [target])
    }
    guard wantsSums else { return }
    let count = sizes.batch * sizes.inner
    sizes.share = sizes.inner < 32 && sizes.channels > 1 ? 32 : 1
    let groups = ceilDivide(sizes.channels, sizes.share)
    let parts = max(1, min(ceilDivide(1024, groups), ceilDivide(count * sizes.share, 16 * groupSize)))
    sizes.part = ceilDivide(count, parts)
    sizes.parts = ceilDivide(count, sizes.part)
    let partial = scratch(.float32, [sizes.parts, 2, plan.weightCount])
    launchItems(
      Self.rowSource, "norm_sums", groups * sizes.parts * groupSize,
      source + [.buffer(x.view), sizes.argument] + statistics + [.buffer(partial)])
    join(partial, Self.rowSource, dWeight: gradients.dWeight, dBias: gradients.dBias)
  }

  private static var rowSource: String { "normalization_rows.cl" }

  /// Rows as images of one or several groups; statistics are numbered by row.
  private func sizes(of plan: RowNormalization, weight: StridedView?) -> NormalizationPlan {
    var sizes = NormalizationPlan(
      batch: plan.rows / plan.groups, channels: plan.weightCount, inner: plan.spread)
    sizes.groups = plan.groups
    (sizes.statisticImage, sizes.statisticChannels) = (plan.groups, plan.channels)
    sizes.centers = plan.centers
    (sizes.weighs, sizes.weight) = (weight != nil, weight)
    return sizes
  }

  private func rowItems(_ plan: RowNormalization, _ sizes: inout NormalizationPlan) -> Int {
    sizes.share = AxisExtents([plan.rows, plan.length], axis: 1).share(
      isCPUDevice: isCPUDevice, groupSize: groupSize)
    return isCPUDevice ? ceilDivide(plan.rows, sizes.share) : plan.rows * sizes.share
  }

  /// A view through whose rows one stride leads; a dense copy where there is none.
  private func stepped(_ plan: RowNormalization, _ x: StridedView) -> (view: StridedView, place: NormalizationPlan.View)
  {
    func place(_ view: StridedView, row: Int, element: Int) -> NormalizationPlan.View {
      .init(
        offset: view.offset, image: row * plan.groups, channel: plan.spread * element, element: element,
        type: Int(view.dtype.rawValue))
    }
    if let axes = plan.leadingAxes, let split = AxisView(x.expanded(at: axes), axis: axes) {
      return (x, place(x, row: split.outerStride, element: split.innerStride))
    }
    let view = x.isContiguous ? x : dense(x)
    return (view, place(view, row: plan.length, element: 1))
  }

  // MARK: Shared with batch normalization

  /// A list that the kernels can step through.
  func flat(_ list: StridedView) -> StridedView {
    let dense = list.isContiguous ? list : dense(list)
    return dense.viewed(shape: [list.count], strides: [1])
  }

  /// The gradients of weight and bias as arguments: buffers and offsets.
  static func sums(_ dWeight: StridedView, _ dBias: StridedView) -> [KernelArgument] {
    [.buffer(dWeight), .long(dWeight.offset), .buffer(dBias), .long(dBias.offset)]
  }

  /// Adds up partial sums `[parts, 2, channels]`, the biases' first.
  func join(_ partial: StridedView, _ source: String, dWeight: StridedView?, dBias: StridedView?) {
    let one = (dWeight ?? dBias)!
    launchItems(
      source, "norm_join", partial.shape[2],
      [.buffer(partial), .long(partial.shape[0]), .long(partial.shape[2])] + Self.sums(dWeight ?? one, dBias ?? one)
        + [.int(dWeight == nil ? 0 : 1), .int(dBias == nil ? 0 : 1)])
  }
}

extension StridedView {
  /// With an axis of length 1 before `axis`.
  fileprivate func expanded(at axis: Int) -> StridedView {
    var (shape, strides) = (shape, strides)
    shape.insert(1, at: axis)
    strides.insert(0, at: axis)
    return viewed(shape: shape, strides: strides)
  }
}
