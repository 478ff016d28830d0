// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func crossEntropy(
    _ options: CrossEntropyOptions, logits: StridedView, labels: StridedView, classWeights: StridedView?,
    losses: StridedView, weights: StridedView
  ) {
    launchRows(
      "cross_entropy", options, logits, labels, classWeights,
      [.buffer(losses), .long(losses.offset), .buffer(weights), .long(weights.offset)])
  }

  package func crossEntropyGradient(
    _ options: CrossEntropyOptions, logits: StridedView, labels: StridedView, classWeights: StridedView?,
    scale: StridedView, into dLogits: StridedView
  ) {
    let target = dLogits.isContiguous ? dLogits : scratch(dLogits.dtype, dLogits.shape)
    launchRows(
      "cross_entropy_gradient", options, logits, labels, classWeights,
      [.buffer(scale), Self.matrix(scale), .buffer(target), .long(target.offset), .type(target)])
    if !dLogits.isContiguous { copy(target, into: dLogits) }
  }

  private func launchRows(
    _ kernel: String, _ options: CrossEntropyOptions, _ logits: StridedView, _ labels: StridedView,
    _ classWeights: StridedView?, _ results: [KernelArgument]
  ) {
    let (rows, classes) = (logits.shape[0], logits.shape[1])
    guard rows > 0, classes > 0 else { return }
    let share = AxisExtents([rows, classes], axis: 1).share(isCPUDevice: isCPUDevice, groupSize: groupSize)
    launchItems(
      "cross_entropy.cl", kernel, isCPUDevice ? ceilDivide(rows, share) : rows * share,
      [
        .buffer(logits), Self.matrix(logits), .buffer(labels), Self.matrix(labels), .buffer(classWeights ?? logits),
        Self.matrix(classWeights ?? labels),
        .longs([rows, classes, options.ignoredLabel, classWeights == nil ? 0 : 1, share]), .float(options.smoothing),
      ] + results)
  }

  /// `matrix_t` of the kernels, of a matrix or a vector.
  private static func matrix(_ view: StridedView) -> KernelArgument {
    .longs([view.offset, view.strides[0], view.strides.count > 1 ? view.strides[1] : 0, Int(view.dtype.rawValue)])
  }
}
