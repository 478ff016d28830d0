// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func batchNormalization(
    _ plan: BatchNormalization, _ inputs: BatchNormalization.Inputs, into results: BatchNormalization.Results
  ) {
    guard results.y.count > 0 else { return }
    let (weight, bias) = (inputs.weight.map(flat), inputs.bias.map(flat))
    let (x, residual) = (around(inputs.x, axis: 1), inputs.residual.map { around($0, axis: 1) })
    var sizes = NormalizationPlan(batch: plan.batch, channels: plan.channels, inner: plan.inner)
    sizes.x = .init(x)
    sizes.y = .init(dense: results.y, sizes)
    if let residual { sizes.side = .init(residual) }
    (sizes.adds, sizes.rectifies, sizes.updates) = (residual != nil, plan.rectifies, inputs.running != nil)
    (sizes.weighs, sizes.biases) = (weight != nil, bias != nil)
    (sizes.weight, sizes.bias, sizes.mean, sizes.deviation) = (weight, bias, results.mean, results.deviation)
    (sizes.runningMean, sizes.runningVariance) = (inputs.running?.mean, inputs.running?.variance)
    (sizes.newMean, sizes.newVariance) = (results.running?.mean, results.running?.variance)
    let (mean, deviation) = (KernelArgument.buffer(results.mean), KernelArgument.buffer(results.deviation))
    let source: [KernelArgument] = [.buffer(x.view), .buffer((residual ?? x).view)]
    let weights: [KernelArgument] = [.buffer(weight ?? results.mean), .buffer(bias ?? results.mean)]
    let numbers: [KernelArgument] = [.float(plan.epsilon), .float(inputs.running?.momentum ?? 0)]
    let old: [KernelArgument] = [
      .buffer(inputs.running?.mean ?? results.mean), .buffer(inputs.running?.variance ?? results.mean),
    ]
    let new: [KernelArgument] = [
      .buffer(results.running?.mean ?? results.mean), .buffer(results.running?.variance ?? results.mean),
    ]
    if let whole = wholeChannels(&sizes) {
      launchItems(
        Self.batchSource, whole.usesColumns ? "batch_columns" : "batch_channel", whole.items,
        source + [sizes.argument] + numbers + weights + old + [.buffer(results.y), mean, deviation] + new)
      return
    }
    let partial = scratch(.float32, [sizes.parts, plan.channels, 4])
    launchItems(
      Self.batchSource, "batch_moments", partItems(sizes),
      [.buffer(x.view), sizes.argument, .buffer(partial)])
    launchItems(
      Self.batchSource, "batch_statistics", plan.channels,
      [.buffer(partial), sizes.argument] + numbers + [mean, deviation] + old + new)
    let items = writingItems(&sizes)
    launchItems(
      Self.batchSource, "batch_normalize", items,
      source + [sizes.argument] + weights + [mean, deviation, .buffer(results.y)])
  }

  package func batchNormalizationGradient(
    _ plan: BatchNormalization, _ saved: BatchNormalization.Saved, dy: StridedView,
    into gradients: BatchNormalization.Gradients
  ) {
    guard plan.channels > 0 else { return }
    let weight = saved.weight.map(flat)
    let (mean, deviation) = (flat(saved.mean), flat(saved.deviation))
    let (x, dy) = (around(saved.x, axis: 1), around(dy, axis: 1))
    let y = saved.y.map { around($0, axis: 1) }
    var sizes = NormalizationPlan(batch: plan.batch, channels: plan.channels, inner: plan.inner)
    (sizes.x, sizes.side) = (.init(x), .init(dy))
    if let y { sizes.y = .init(y) }
    if let dx = gradients.dx { sizes.dx = .init(dense: dx, sizes) }
    if let dResidual = gradients.dResidual { sizes.dSide = .init(dense: dResidual, sizes) }
    (sizes.rectifies, sizes.weighs) = (plan.rectifies, weight != nil)
    (sizes.writes, sizes.splits) = (gradients.dx != nil, gradients.dResidual != nil)
    (sizes.weight, sizes.mean, sizes.deviation) = (weight, mean, deviation)
    let statistics: [KernelArgument] = [.buffer(mean), .buffer(deviation)]
    let source: [KernelArgument] = [.buffer(x.view), .buffer(dy.view), .buffer((y ?? x).view)]
    let sums = Self.sums(gradients.dWeight, gradients.dBias)
    let written: [KernelArgument] = [
      .buffer(gradients.dx ?? gradients.dBias), .buffer(gradients.dResidual ?? gradients.dBias),
    ]
    func finish(_ kernel: String, _ items: Int) {
      launchItems(
        Self.batchSource, kernel, items,
        source + [sizes.argument, .buffer(weight ?? mean)] + statistics + sums + written)
    }
    if let whole = wholeChannels(&sizes) {
      return finish(whole.usesColumns ? "batch_columns_gradient" : "batch_channel_gradient", whole.items)
    }
    let partial = scratch(.float32, [sizes.parts, 2, plan.channels])
    launchItems(
      Self.batchSource, isCPUDevice ? "batch_sums" : "norm_sums", partItems(sizes),
      source + [sizes.argument] + statistics + [.buffer(partial)])
    join(partial, Self.batchSource, dWeight: gradients.dWeight, dBias: gradients.dBias)
    guard gradients.dx != nil else { return }
    let items = writingItems(&sizes)
    finish("batch_gradient", items)
  }

  private static var batchSource: String { "normalization_batch.cl" }

  // MARK: Division of the work

  /// CPU devices do a channel from first to last while it is in the cache, if there are enough channels.
  private func wholeChannels(_ sizes: inout NormalizationPlan) -> (items: Int, usesColumns: Bool)? {
    let count = sizes.batch * sizes.inner
    guard isCPUDevice else {
      // Neighbouring work-items read neighbouring elements: of one channel, or of 32 where runs are short.
      sizes.share = sizes.inner < 32 && sizes.channels > 1 ? 32 : 1
      let groups = ceilDivide(sizes.channels, sizes.share)
      let wanted = min(ceilDivide(1024, groups), ceilDivide(count * sizes.share, 16 * groupSize))
      return cut(&sizes, max(1, wanted))
    }
    if sizes.inner == 1 { return (ceilDivide(sizes.channels, 16), true) }
    if sizes.channels >= 16 || count <= 1 << 15 { return (sizes.channels, false) }
    return cut(&sizes, min(ceilDivide(16, sizes.channels), ceilDivide(count, 1 << 14)))
  }

  private func cut(_ sizes: inout NormalizationPlan, _ parts: Int) -> (items: Int, usesColumns: Bool)? {
    let count = sizes.batch * sizes.inner
    sizes.part = ceilDivide(count, parts)
    sizes.parts = ceilDivide(count, sizes.part)
    return nil
  }

  /// Work-items that sum the parts of all channels.
  private func partItems(_ sizes: NormalizationPlan) -> Int {
    isCPUDevice
      ? sizes.channels * sizes.parts : ceilDivide(sizes.channels, sizes.share) * sizes.parts * groupSize
  }

  /// Work-items that write all elements.
  private func writingItems(_ sizes: inout NormalizationPlan) -> Int {
    let planes = sizes.batch * sizes.channels
    guard isCPUDevice else { return ceilDivide(planes * sizes.inner, groupSize * 8) * groupSize }
    sizes.share = max(1, (1 << 14) / sizes.inner)
    return ceilDivide(planes, sizes.share)
  }
}
