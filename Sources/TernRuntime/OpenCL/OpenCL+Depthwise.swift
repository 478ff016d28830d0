// SPDX-License-Identifier: MIT

// Convolutions with one input channel a group, without a matrix product: `depthwise_cpu.cl` with vectors over the
// width, `depthwise_gpu.cl` with a work-item for each result.

extension OpenCLBackend {
  /// Filters beyond 7 × 7 would need more sums than there are registers; of 1 × 1, there is nothing to share.
  func canUseDepthwise(_ geometry: ConvolutionGeometry) -> Bool {
    let taps = geometry.kernelHeight * geometry.kernelWidth
    guard geometry.inputChannelsPerGroup == 1, 2...49 ~= taps else { return false }
    // GPUs number the places of a plane in 32 bits.
    let places = max(geometry.inputHeight * geometry.inputWidth, geometry.outputHeight * geometry.outputWidth)
    if !isCPUDevice { return places < 1 << 30 }
    return DepthwiseBands(geometry, vector: wideShape.vector).bytes <= localMemoryBytes
  }

  /// - Precondition: `canUseDepthwise`.
  func depthwiseConvolution(_ problem: ConvolutionProblem) {
    if isCPUDevice { wideDepthwise(problem) } else { tiledDepthwise(problem) }
  }

  /// The kernels' definitions: the filter's size, so that loops over it are unrolled, the dtypes and the activation.
  private func depthwiseDefinitions(_ problem: ConvolutionProblem) -> [String] {
    let geometry = problem.geometry
    let (source, result) = problem.pass == .inputGradient ? (problem.y, problem.x) : (problem.x, problem.y)
    let dtypes: [(String, DType)] =
      problem.pass == .weightGradient
      ? [("SOURCE", problem.x.dtype), ("GRADIENT", problem.y.dtype)]
      : [("SOURCE", source.dtype), ("WEIGHT", problem.w.dtype), ("RESULT", result.dtype)]
    let sizes = [("KERNEL_HEIGHT", geometry.kernelHeight), ("KERNEL_WIDTH", geometry.kernelWidth)]
    return (isCPUDevice ? [wideShape.definition] : [])
      + sizes.filter { $0.1 != 3 }.map { "\($0.0)=\($0.1)" }
      + dtypes.filter { $0.1 != .float32 }.map { "\($0.0)=\($0.1)" }
      + (problem.bias.map { $0.dtype == result.dtype ? [] : ["BIAS=\($0.dtype)"] } ?? [])
      + problem.activation.definitions
  }

  // MARK: Devices of type CPU

  private func wideDepthwise(_ problem: ConvolutionProblem) {
    let geometry = problem.geometry
    let bands = DepthwiseBands(geometry, vector: wideShape.vector)
    let definitions = depthwiseDefinitions(problem)
    let lines = KernelArgument.local(bands.lineBytes)
    let (x, w, y) = (problem.x, problem.w, problem.y)
    let source: [KernelArgument] = [.longs(planes(x)), .longs(planes(y))]
    let layout = KernelArgument.longs([bands.pitch, geometry.strideWidth, -geometry.padLeft])
    switch problem.pass {
    case .forward:
      let count = ceilDivide(geometry.outputHeight, bands.rows)
      let units = geometry.batch * geometry.outputChannels * count
      launchUnits(
        "depthwise_forward", definitions, units, floats: bands.rows * bands.pitch,
        [.storage(x.storage), .storage(w.storage), .storage(y.storage), .storage(problem.bias?.storage ?? y.storage)]
          + [lines]
      ) { perItem in
        [fields(problem, units: units, perItem: perItem, bands: count, rows: bands.rows)] + source + [layout]
      }
    case .inputGradient:
      if let forward = turned(problem) { return wideDepthwise(forward) }
      let count = ceilDivide(geometry.inputHeight, bands.gradientRows)
      let units = geometry.batch * geometry.inputChannels * count
      launchUnits(
        "depthwise_gradient", definitions, units, floats: bands.gradientRows * geometry.inputWidth,
        [.storage(y.storage), .storage(w.storage), .storage(x.storage), .local(bands.gradientBytes)]
          + [.local(bands.resultBytes)]
      ) { perItem in
        [fields(problem, units: units, perItem: perItem, bands: count, rows: bands.gradientRows)]
          + [source[1], source[0], .longs([bands.gradientPitch, 1, bands.gradientFirst]), .long(bands.gradientLines)]
      }
    case .weightGradient:
      let taps = geometry.kernelHeight * geometry.kernelWidth
      // By the shape only, as the division decides how sums are rounded.
      let items = min(geometry.batch, max(1, ceilDivide(64, geometry.outputChannels)))
      let images = ceilDivide(geometry.batch, items)
      let units = ceilDivide(geometry.batch, images) * geometry.outputChannels
      let sums = scratch(units * taps)
      launchUnits(
        "depthwise_weights", definitions, units,
        floats: images * geometry.outputHeight * bands.pitch,
        [.storage(x.storage), .storage(y.storage), .storage(sums), lines, .local(bands.resultBytes)]
      ) { perItem in
        [fields(problem, units: units, perItem: perItem, bands: 1, rows: bands.rows, images: images)] + source
          + [layout, .longs([bands.outputPitch, 1, 0])]
      }
      addUp(sums, parts: units / geometry.outputChannels, problem)
    }
  }

  /// The gradient of the input as a convolution of `dy` with the filters turned around; nil where it is none.
  private func turned(_ problem: ConvolutionProblem) -> ConvolutionProblem? {
    let (geometry, w) = (problem.geometry, problem.w)
    let down = (geometry.kernelHeight - 1) * geometry.dilationHeight
    let right = (geometry.kernelWidth - 1) * geometry.dilationWidth
    let padding = (
      down - geometry.padTop, down - geometry.padBottom, right - geometry.padLeft, right - geometry.padRight
    )
    guard geometry.strideHeight == 1, geometry.strideWidth == 1, geometry.outputChannelsPerGroup == 1,
      min(padding.0, padding.1, padding.2, padding.3) >= 0
    else { return nil }
    let filters = w.viewed(
      shape: w.shape, strides: [w.strides[0], w.strides[1], -w.strides[2], -w.strides[3]],
      offset: w.offset + (geometry.kernelHeight - 1) * w.strides[2] + (geometry.kernelWidth - 1) * w.strides[3])
    return ConvolutionProblem(
      pass: .forward,
      geometry: ConvolutionGeometry(
        "conv2d input gradient", input: geometry.outputShape, weight: geometry.weightShape, stride: (1, 1),
        padding: padding, dilation: (geometry.dilationHeight, geometry.dilationWidth), groups: geometry.groups),
      x: problem.y, w: filters, y: problem.x)
  }

  /// Units of about `floats` results each, enough of them to a work-item to outweigh its start.
  private func launchUnits(
    _ kernel: String, _ definitions: [String], _ units: Int, floats: Int, _ arguments: [KernelArgument],
    fields: (Int) -> [KernelArgument]
  ) {
    let perItem = max(1, min(ceilDivide(8192, max(1, floats)), units / (4 * computeUnits)))
    launch(
      "depthwise_cpu.cl", kernel, definitions: definitions, global: [ceilDivide(units, perItem)], local: [1],
      arguments + fields(perItem))
  }

  private func addUp(_ sums: Storage, parts: Int, _ problem: ConvolutionProblem) {
    let taps = problem.geometry.kernelHeight * problem.geometry.kernelWidth
    let (outputs, dw) = (problem.geometry.outputChannels, problem.w)
    reduce(
      parts: parts, partStride: outputs * taps, sums, m: outputs, n: taps, outer: 1, inner: 1,
      into: GemmOperand(storage: dw.storage, dtype: dw.dtype, offset: dw.offset, row: taps, column: 1), bias: nil)
  }

  /// `planes_t`.
  private func planes(_ view: StridedView) -> [Int] {
    [view.offset] + view.strides + [view.shape[2], view.shape[3]]
  }

  /// `depthwise_t`.
  private func fields(
    _ problem: ConvolutionProblem, units: Int = 0, perItem: Int = 0, bands: Int = 1, rows: Int = 0, images: Int = 0
  ) -> KernelArgument {
    let (geometry, w, bias) = (problem.geometry, problem.w, problem.bias)
    return .longs([
      units, perItem, geometry.outputChannels, geometry.outputChannelsPerGroup, bands, rows,
      geometry.strideHeight, geometry.strideWidth, geometry.padTop, geometry.padLeft,
      geometry.dilationHeight, geometry.dilationWidth, w.offset, w.strides[0], w.strides[2], w.strides[3],
      bias?.offset ?? 0, bias?.strides[0] ?? 0, bias == nil ? 0 : 1, geometry.batch, images,
    ])
  }

  // MARK: GPUs

  private func tiledDepthwise(_ problem: ConvolutionProblem) {
    let (geometry, x, w, y) = (problem.geometry, problem.x, problem.w, problem.y)
    let definitions = depthwiseDefinitions(problem)
    let views: [KernelArgument] = [.longs(planes(x)), .longs(planes(y))]
    switch problem.pass {
    case .forward:
      launch(
        "depthwise_gpu.cl", "depthwise_forward", definitions: definitions,
        global: [
          roundUp(geometry.outputHeight * geometry.outputWidth, to: 64), geometry.outputChannels, geometry.batch,
        ], local: [64, 1, 1],
        [.storage(x.storage), .storage(w.storage), .storage(y.storage), .storage(problem.bias?.storage ?? y.storage)]
          + [fields(problem)] + views)
    case .inputGradient:
      launch(
        "depthwise_gpu.cl", "depthwise_gradient", definitions: definitions,
        global: [roundUp(geometry.inputHeight * geometry.inputWidth, to: 64), geometry.inputChannels, geometry.batch],
        local: [64, 1, 1],
        [.storage(y.storage), .storage(w.storage), .storage(x.storage), fields(problem)] + views)
    case .weightGradient:
      // By the shape only, as the division decides how sums are rounded.
      let items = min(geometry.batch, max(1, ceilDivide(512, geometry.outputChannels)))
      let images = ceilDivide(geometry.batch, items)
      let parts = ceilDivide(geometry.batch, images)
      let sums = scratch(parts * geometry.outputChannels * geometry.kernelHeight * geometry.kernelWidth)
      launch(
        "depthwise_gpu.cl", "depthwise_weights", definitions: definitions,
        global: [64 * geometry.outputChannels, parts], local: [64, 1],
        [.storage(x.storage), .storage(y.storage), .storage(sums), fields(problem, images: images)] + views)
      addUp(sums, parts: parts, problem)
    }
  }
}

/// How planes are cut into bands of rows whose copies stay in the first cache, and where rows lie in a copy.
private struct DepthwiseBands {
  /// Of a plane of outputs, and of one of inputs for its gradient.
  let rows, gradientRows: Int
  let pitch, outputPitch, gradientPitch: Int
  /// The first output that a tap of the gradient reads, relative to the plane's first; copied rows of a band.
  let gradientFirst, gradientLines: Int
  let lineBytes, gradientBytes, resultBytes: Int
  var bytes: Int { max(lineBytes, gradientBytes) + resultBytes }

  init(_ geometry: ConvolutionGeometry, vector: Int) {
    let budget = 6144  // floats: 24 KiB
    let span = (geometry.kernelHeight - 1) * geometry.dilationHeight + 1
    let reach = (geometry.kernelWidth - 1) * geometry.dilationWidth
    let width = MemoryLayout<Float>.size
    outputPitch = roundUp(geometry.outputWidth, to: 2 * vector)
    pitch = outputPitch + reach / geometry.strideWidth + 1
    let line = pitch * geometry.strideWidth
    rows = min(geometry.outputHeight, max(1, (budget / line - span) / geometry.strideHeight + 1))
    lineBytes = ((rows - 1) * geometry.strideHeight + span) * line * width

    let least = geometry.padLeft - reach
    let first = least >= 0 ? least / geometry.strideWidth : -((geometry.strideWidth - 1 - least) / geometry.strideWidth)
    gradientFirst = first
    gradientPitch = (geometry.inputWidth - 1 + geometry.padLeft) / geometry.strideWidth - first + 1 + vector
    let lines = max(1, budget / (gradientPitch * geometry.outputChannelsPerGroup))
    gradientRows = min(geometry.inputHeight, max(1, (lines - 2) * geometry.strideHeight - span))
    gradientLines = (gradientRows - 1 + span) / geometry.strideHeight + 2
    gradientBytes = geometry.outputChannelsPerGroup * gradientLines * gradientPitch * width
    resultBytes = max(outputPitch, roundUp(geometry.inputWidth, to: vector) + vector) * width
  }
}
