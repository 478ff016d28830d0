// SPDX-License-Identifier: MIT

// Convolutions with 1 × 1 filters and no padding as matrix products, for each image and group:
//
//     y = w · x        dx = transposed(w) · dy        dw = sum over images of dy · transposed(x)

extension OpenCLBackend {
  /// - Precondition: the geometry is pointwise.
  func pointConvolution(_ problem: ConvolutionProblem) {
    let geometry = problem.geometry
    switch problem.pass {
    case .forward:
      product(problem, x: read(problem.x, geometry), y: problem.y)
    case .inputGradient:
      let y = planes(problem.y)
      if geometry.strideHeight == 1 && geometry.strideWidth == 1 {
        return gradientProduct(problem, y: y, into: problem.x)
      }
      // Only every stride-th place of the input has been read; the others have no gradient.
      let (width, height) = (geometry.outputWidth, geometry.outputHeight)
      let places = scratch(.float32, [geometry.batch, geometry.inputChannels, height, width])
      gradientProduct(problem, y: y, into: places)
      fillZero(problem.x)
      copy(places, into: everyStep(problem.x, geometry))
    case .weightGradient:
      weightProduct(problem, x: read(problem.x, geometry), y: planes(problem.y))
    }
  }

  /// The places that the outputs read.
  private func everyStep(_ x: StridedView, _ geometry: ConvolutionGeometry) -> StridedView {
    x.viewed(
      shape: [x.shape[0], x.shape[1], geometry.outputHeight, geometry.outputWidth],
      strides: [
        x.strides[0], x.strides[1], x.strides[2] * geometry.strideHeight, x.strides[3] * geometry.strideWidth,
      ])
  }

  private func read(_ x: StridedView, _ geometry: ConvolutionGeometry) -> StridedView {
    planes(everyStep(x, geometry))
  }

  private func product(_ problem: ConvolutionProblem, x: StridedView, y: StridedView) {
    let geometry = problem.geometry
    let (m, k) = (geometry.outputChannelsPerGroup, geometry.inputChannelsPerGroup)
    gemm(
      GemmProblem(
        m: m, n: geometry.outputHeight * geometry.outputWidth, k: k, outer: geometry.batch, inner: geometry.groups,
        a: filters(problem.w, m), b: matrices(x, k), c: matrices(y, m),
        bias: problem.bias.map {
          GemmBias(
            storage: $0.storage, dtype: $0.dtype, offset: $0.offset, inner: m * $0.strides[0], row: $0.strides[0])
        }, activation: problem.activation))
  }

  private func gradientProduct(_ problem: ConvolutionProblem, y: StridedView, into x: StridedView) {
    let geometry = problem.geometry
    let (m, k) = (geometry.inputChannelsPerGroup, geometry.outputChannelsPerGroup)
    gemm(
      GemmProblem(
        m: m, n: geometry.outputHeight * geometry.outputWidth, k: k, outer: geometry.batch, inner: geometry.groups,
        a: filters(problem.w, k).transposed, b: matrices(y, k), c: matrices(x, m)))
  }

  private func weightProduct(_ problem: ConvolutionProblem, x: StridedView, y: StridedView) {
    let geometry = problem.geometry
    let (m, n) = (geometry.outputChannelsPerGroup, geometry.inputChannelsPerGroup)
    let places = geometry.outputHeight * geometry.outputWidth
    let dw = problem.w
    if isCPUDevice, isFloatRows(x), isFloatRows(y) {
      // Sums of products of two rows, over the images one after the other.
      var dot = DotProblem(
        m: m, n: n, segmentLength: places,
        a: GemmOperand(
          storage: y.storage, dtype: .float32, offset: y.offset, outer: m * y.strides[1], row: y.strides[1], column: 1),
        b: GemmOperand(
          storage: x.storage, dtype: .float32, offset: x.offset, outer: n * x.strides[1], row: x.strides[1], column: 1),
        c: GemmOperand(storage: dw.storage, dtype: dw.dtype, offset: dw.offset, outer: m * n, row: n, column: 1))
      dot.batch = geometry.groups
      dot.segments = geometry.batch
      dot.aSegment = y.strides[0]
      dot.bSegment = x.strides[0]
      return dotGemm(dot)
    }
    sumOverImages(problem, imageChunks(geometry.batch, floatsPerImage: geometry.groups * m * n)) { images, partial in
      func from(_ view: StridedView, _ channels: Int) -> GemmOperand {
        var operand = matrices(view, channels)
        operand.offset += images.lowerBound * operand.outer
        return operand
      }
      gemm(
        GemmProblem(
          m: m, n: n, k: places, outer: images.count, inner: geometry.groups, a: from(y, m), b: from(x, n).transposed,
          c: partial))
    }
  }

  private func isFloatRows(_ view: StridedView) -> Bool {
    view.dtype == .float32 && (view.strides[3] == 1 || view.shape[3] == 1 && view.strides[2] == 1)
  }

  private func filters(_ w: StridedView, _ outputs: Int) -> GemmOperand {
    GemmOperand(
      storage: w.storage, dtype: w.dtype, offset: w.offset, inner: outputs * w.strides[0], row: w.strides[0],
      column: w.strides[1])
  }

  /// Images as matrices, `channels` of a group by places.
  private func matrices(_ view: StridedView, _ channels: Int) -> GemmOperand {
    GemmOperand(
      storage: view.storage, dtype: view.dtype, offset: view.offset, outer: view.strides[0],
      inner: channels * view.strides[1], row: view.strides[1],
      column: view.shape[3] == 1 ? view.strides[2] : view.strides[3])
  }

  /// A view whose places follow each other at one distance in every plane: the view itself, or a dense Float32 copy.
  func planes(_ view: StridedView) -> StridedView {
    let follows =
      view.shape[2] == 1 || view.shape[3] == 1 || view.strides[2] == view.shape[3] * view.strides[3]
    return follows ? view : denseFloats(view)
  }
}
