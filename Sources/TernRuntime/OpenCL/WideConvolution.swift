// SPDX-License-Identifier: MIT

// Convolutions on devices of type CPU: the products of `gemm_wide.cl` read windows of padded frames in place, so no
// image is ever unfolded.

extension OpenCLBackend {
  func wideConvolution(_ problem: ConvolutionProblem) {
    switch problem.pass {
    case .forward: wideForward(problem.geometry, problem.x, problem.w, problem.epilogue, into: problem.y)
    case .inputGradient: wideInputGradient(problem.geometry, problem.y, problem.w, into: problem.x)
    case .weightGradient: wideWeightGradient(problem.geometry, problem.x, problem.y, into: problem.w)
    }
  }

  private func wideForward(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, _ epilogue: Epilogue, into y: StridedView
  ) {
    let layout = FrameLayout(input: geometry)
    let frames = frames(
      x, layout,
      FrameWindows(
        channels: geometry.inputChannelsPerGroup, kernelHeight: geometry.kernelHeight,
        kernelWidth: geometry.kernelWidth,
        dilationHeight: geometry.dilationHeight, dilationWidth: geometry.dilationWidth))
    let (m, k) = (geometry.outputChannelsPerGroup, elementCount(geometry.weightShape) / geometry.outputChannels)
    let weights = denseFloats(w)
    let image = geometry.outputHeight * geometry.outputWidth
    launchConvolution(
      WideConvolution(
        images: geometry.batch, groups: geometry.groups, m: m, k: k,
        weights: weights.storage, weightsOffset: weights.offset, weightsGroup: m * k, weightsPhase: 0,
        frames: frames, frameImage: geometry.inputChannels * layout.channel,
        frameGroup: geometry.inputChannelsPerGroup * layout.channel, pitch: layout.pitch,
        result: y, resultRow: image, height: geometry.outputHeight, width: geometry.outputWidth, phases: nil,
        epilogue: epilogue))
  }

  private func wideInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView
  ) {
    let (vertical, horizontal) = GradientPhases.axes(of: geometry)
    let layout = FrameLayout(
      lines: vertical.span, pitch: horizontal.span, plane: vertical.span * horizontal.span, top: vertical.first,
      left: horizontal.first)
    let (channels, outputs) = (geometry.inputChannelsPerGroup, geometry.outputChannelsPerGroup)
    let frames = frames(
      dy, layout,
      FrameWindows(
        channels: outputs, kernelHeight: vertical.taps, kernelWidth: horizontal.taps, dilationHeight: vertical.dilation,
        dilationWidth: horizontal.dilation))
    let k = outputs * vertical.taps * horizontal.taps
    let phases = vertical.count * horizontal.count
    let weights = scratch(phases * geometry.inputChannels * k)
    launch(
      "conv_frame.cl", "conv_flip", definitions: sourceDefinitions(w.dtype),
      global: [channels, geometry.groups, phases],
      local: [1, 1, 1],
      [
        .storage(w.storage), .storage(weights),
        .longs([
          geometry.groups, channels, outputs,
          geometry.kernelHeight, geometry.kernelWidth, vertical.taps, horizontal.taps,
          w.offset, w.strides[0], w.strides[1], w.strides[2], w.strides[3],
          geometry.padTop, geometry.padLeft, geometry.dilationHeight, geometry.dilationWidth,
          geometry.strideHeight, geometry.strideWidth, vertical.step, horizontal.step,
        ]),
      ])
    launchConvolution(
      WideConvolution(
        images: geometry.batch, groups: geometry.groups, m: channels, k: k,
        weights: weights, weightsOffset: 0, weightsGroup: channels * k, weightsPhase: geometry.inputChannels * k,
        frames: frames, frameImage: geometry.outputChannels * layout.plane, frameGroup: outputs * layout.plane,
        pitch: layout.pitch, result: dx, resultRow: geometry.inputHeight * geometry.inputWidth,
        height: geometry.inputHeight, width: geometry.inputWidth,
        phases: (
          vertical: vertical, horizontal: horizontal,
          dilation: (geometry.dilationHeight, geometry.dilationWidth), pad: (geometry.padTop, geometry.padLeft)
        ),
        epilogue: Epilogue()))
  }

  private func wideWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView
  ) {
    let layout = FrameLayout(input: geometry)
    let (m, n) = (geometry.outputChannelsPerGroup, elementCount(geometry.weightShape) / geometry.outputChannels)
    let frames = frames(
      x, layout,
      FrameWindows(
        channels: geometry.inputChannelsPerGroup, kernelHeight: geometry.kernelHeight,
        kernelWidth: geometry.kernelWidth,
        dilationHeight: geometry.dilationHeight, dilationWidth: geometry.dilationWidth))
    // The output's gradient in lines as long as the frame's, with 0 in the columns that are no outputs.
    let plane = roundUp(geometry.outputHeight * layout.pitch, to: 16)
    let gradients = self.frames(
      dy, FrameLayout(lines: geometry.outputHeight, pitch: layout.pitch, plane: plane))
    var problem = DotProblem(
      m: m, n: n, segmentLength: plane,
      a: GemmOperand(storage: gradients.storage, dtype: .float32, outer: m * plane, row: plane, column: 1),
      b: GemmOperand(
        storage: frames.storage, dtype: .float32, outer: geometry.inputChannelsPerGroup * layout.channel, row: 0,
        column: 1),
      c: GemmOperand(
        storage: dw.storage, dtype: dw.dtype, offset: dw.offset, outer: m * n, row: n, column: 1))
    problem.batch = geometry.groups
    problem.segments = geometry.batch
    problem.aSegment = geometry.outputChannels * plane
    problem.bSegment = geometry.inputChannels * layout.channel
    problem.table = frames.table
    dotGemm(problem)
  }

  private func launchConvolution(_ call: WideConvolution) {
    let shape = wideShape
    let phases = call.phases.map { $0.vertical.count * $0.horizontal.count } ?? 1
    let batch = call.images * call.groups * phases
    let columns = ceilDivide(call.height, call.phases?.vertical.count ?? 1) * call.pitch
    let plan = WidePlan(m: call.m, n: columns, k: call.k, batch: batch, shape: shape, computeUnits: computeUnits)
    let result = GemmOperand(storage: call.result.storage, dtype: call.result.dtype, row: 0, column: 1)
    let bias = call.epilogue.bias.map {
      GemmBias(storage: $0.storage, dtype: $0.dtype, offset: $0.offset, row: $0.strides[0])
    }
    let channels = call.m * call.groups
    let (stepY, stepX) = (call.phases?.vertical.count ?? 1, call.phases?.horizontal.count ?? 1)
    launch(
      "gemm_wide.cl", "conv_wide", definitions: [shape.definition] + resultDefinitions(result, bias),
      global: [ceilDivide(columns, plan.blockColumns), ceilDivide(call.m, plan.blockRows), batch], local: [1, 1, 1],
      [
        .storage(call.weights), .storage(call.frames.storage), .storage(result.storage),
        .storage(bias?.storage ?? result.storage), .storage(call.frames.table),
        .longs([
          call.m, call.k, plan.blockRows, plan.blockColumns, call.groups,
          call.weightsOffset, call.weightsGroup, call.weightsPhase,
          call.frameImage, call.frameGroup, call.pitch,
          call.result.offset, channels * call.resultRow, call.m * call.resultRow, call.resultRow, stepY * call.width,
          stepX,
          call.height, call.width, stepY, stepX,
          call.phases?.pad.0 ?? 0, call.phases?.pad.1 ?? 0,
          call.phases?.dilation.0 ?? 1, call.phases?.dilation.1 ?? 1,
          call.phases?.vertical.origin ?? 0, call.phases?.horizontal.origin ?? 0,
          bias?.offset ?? 0, bias?.row ?? 0, bias == nil ? 0 : 1,
          Int(call.epilogue.activation.rawValue),
        ]),
      ])
  }

  /// The view itself, or a dense Float32 copy.
  func denseFloats(_ view: StridedView) -> StridedView {
    if view.isContiguous && view.dtype == .float32 { return view }
    let copy = StridedView(scratch(view.count), .float32, shape: view.shape)
    pointwise(.copy(from: view.dtype, to: .float32), [PointwiseOperands(inputs: [view], outputs: [copy])])
    return copy
  }
}

/// One launch of `conv_wide`.
private struct WideConvolution {
  let images, groups, m, k: Int
  let weights: Storage
  let weightsOffset, weightsGroup, weightsPhase: Int
  let frames: Frames
  let frameImage, frameGroup, pitch: Int
  let result: StridedView
  let resultRow, height, width: Int
  let phases:
    (
      vertical: GradientPhases, horizontal: GradientPhases, dilation: (Int, Int), pad: (Int, Int)
    )?
  let epilogue: Epilogue
}
