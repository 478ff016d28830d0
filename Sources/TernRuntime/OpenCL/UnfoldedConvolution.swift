// SPDX-License-Identifier: MIT

// Convolutions on GPUs: unfolded images and matrix products, a chunk of images at a time.

extension OpenCLBackend {
  func unfoldedConvolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, bias: StridedView?, into y: StridedView
  ) {
    if geometry.inputChannelsPerGroup == 1 && geometry.groups > 1 {
      return depthwise("depthwise_forward", geometry, x: x, w: w, y: y, bias: bias)
    }
    let sizes = UnfoldedSizes(geometry)
    let weights = matrices(w, sizes)
    for images in chunks(geometry, sizes) {
      let columns = unfold(geometry, sizes, x, images)
      gemm(
        GemmProblem(
          m: sizes.m, n: sizes.places, k: sizes.k, outer: images.count, inner: geometry.groups, a: weights,
          b: GemmOperand(
            storage: columns, dtype: .float32, outer: geometry.groups * sizes.k * sizes.places,
            inner: sizes.k * sizes.places, row: sizes.places, column: 1),
          c: outputs(y, sizes, images),
          bias: bias.map {
            GemmBias(
              storage: $0.storage, dtype: $0.dtype, offset: $0.offset, inner: sizes.m * $0.strides[0],
              row: $0.strides[0])
          }))
    }
  }

  func unfoldedInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView
  ) {
    if geometry.inputChannelsPerGroup == 1 && geometry.groups > 1 {
      return depthwise("depthwise_gradient", geometry, x: dx, w: w, y: dy, bias: nil)
    }
    let sizes = UnfoldedSizes(geometry)
    let weights = matrices(w, sizes).transposed
    let gradients = planes(dy)
    for images in chunks(geometry, sizes) {
      let columns = scratch(images.count * geometry.groups * sizes.k * sizes.places)
      gemm(
        GemmProblem(
          m: sizes.k, n: sizes.places, k: sizes.m, outer: images.count, inner: geometry.groups, a: weights,
          b: outputs(gradients, sizes, images),
          c: GemmOperand(
            storage: columns, dtype: .float32, outer: geometry.groups * sizes.k * sizes.places,
            inner: sizes.k * sizes.places, row: sizes.places, column: 1)))
      launch(
        "im2col.cl", "col2im", definitions: dx.dtype == .float32 ? [] : ["RESULT=\(dx.dtype)"],
        global: [roundUp(geometry.inputHeight * geometry.inputWidth, to: 64), geometry.inputChannels, images.count],
        local: [64, 1, 1],
        [.storage(columns), .storage(dx.storage), .longs(window(geometry, dx, from: images.lowerBound))])
    }
  }

  /// `dw = sum over images of dy · transposed(columns)`: a product for each image, added up in order.
  func unfoldedWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView
  ) {
    let sizes = UnfoldedSizes(geometry)
    let gradients = planes(dy)
    let size = sizes.m * sizes.k
    let products = geometry.groups * size
    let parts = chunks(geometry, sizes)
    let sums = parts.count == 1 ? nil : scratch(parts.count * products)
    func target(_ storage: Storage, _ dtype: DType, _ offset: Int) -> GemmOperand {
      GemmOperand(storage: storage, dtype: dtype, offset: offset, inner: size, row: sizes.k, column: 1)
    }
    let result = target(dw.storage, dw.dtype, dw.offset)
    for (index, images) in parts.enumerated() {
      let columns = unfold(geometry, sizes, x, images)
      let partial = scratch(images.count * products)
      gemm(
        GemmProblem(
          m: sizes.m, n: sizes.k, k: sizes.places, outer: images.count, inner: geometry.groups,
          a: outputs(gradients, sizes, images),
          b: GemmOperand(
            storage: columns, dtype: .float32, outer: geometry.groups * sizes.k * sizes.places,
            inner: sizes.k * sizes.places, row: 1, column: sizes.places),
          c: GemmOperand(
            storage: partial, dtype: .float32, outer: products, inner: size, row: sizes.k, column: 1)))
      reduce(
        parts: images.count, partStride: products, partial, m: sizes.m, n: sizes.k, outer: 1, inner: geometry.groups,
        into: sums.map { target($0, .float32, index * products) } ?? result, bias: nil)
    }
    if let sums {
      reduce(
        parts: parts.count, partStride: products, sums, m: sizes.m, n: sizes.k, outer: 1, inner: geometry.groups,
        into: result, bias: nil)
    }
  }

  // MARK: Pieces

  /// Images for one pass, so that their columns take no more than an eighth of the memory, nor 256 MiB. The division
  /// decides how the gradient's sums are rounded, so it follows the shape and, for small devices, their memory.
  private func chunks(_ geometry: ConvolutionGeometry, _ sizes: UnfoldedSizes) -> [Range<Int>] {
    let bound = min(256 << 20, info.globalMemoryBytes / 8, info.maxAllocationBytes)
    let image = geometry.groups * max(sizes.k * sizes.places, sizes.m * sizes.k) * MemoryLayout<Float>.size
    let count = min(geometry.batch, max(1, bound / max(1, image)))
    return stride(from: 0, to: geometry.batch, by: count).map { $0..<min(geometry.batch, $0 + count) }
  }

  private func unfold(
    _ geometry: ConvolutionGeometry, _ sizes: UnfoldedSizes, _ x: StridedView, _ images: Range<Int>
  ) -> Storage {
    let rows = geometry.groups * sizes.k
    let columns = scratch(images.count * rows * sizes.places)
    launch(
      "im2col.cl", "im2col", definitions: sourceDefinitions(x.dtype),
      global: [roundUp(sizes.places, to: 64), rows, images.count], local: [64, 1, 1],
      [.storage(x.storage), .storage(columns), .longs(window(geometry, x, from: images.lowerBound))])
    return columns
  }

  private func depthwise(
    _ kernel: String, _ geometry: ConvolutionGeometry, x: StridedView, w: StridedView, y: StridedView,
    bias: StridedView?
  ) {
    let forward = kernel == "depthwise_forward"
    let (source, result) = forward ? (x, y) : (y, x)
    var definitions = sourceDefinitions(source.dtype)
    if w.dtype != .float32 { definitions.append("WEIGHT=\(w.dtype)") }
    if result.dtype != .float32 { definitions.append("RESULT=\(result.dtype)") }
    if let bias, bias.dtype != result.dtype { definitions.append("BIAS=\(bias.dtype)") }
    launch(
      "im2col.cl", kernel, definitions: definitions,
      global: [roundUp(result.shape[2] * result.shape[3], to: 64), result.shape[1], result.shape[0]],
      local: [64, 1, 1],
      [.storage(source.storage), .storage(w.storage), .storage(result.storage)]
        + (forward ? [.storage(bias?.storage ?? result.storage)] : [])
        + [
          .longs(window(geometry, x, from: 0)),
          .longs([
            geometry.outputChannelsPerGroup, w.offset, w.strides[0], w.strides[2], w.strides[3],
            y.offset, y.strides[0], y.strides[1], y.strides[2], y.strides[3],
            bias?.offset ?? 0, bias?.strides[0] ?? 0, bias == nil ? 0 : 1,
          ]),
        ])
  }

  /// The fields of `window_t` for an input from image `first` on.
  private func window(_ geometry: ConvolutionGeometry, _ x: StridedView, from first: Int) -> [Int] {
    [
      geometry.batch, geometry.inputChannels, geometry.inputHeight, geometry.inputWidth,
      x.offset + first * x.strides[0], x.strides[0], x.strides[1], x.strides[2], x.strides[3],
      geometry.outputHeight, geometry.outputWidth, geometry.kernelHeight, geometry.kernelWidth,
      geometry.strideHeight, geometry.strideWidth, geometry.padTop, geometry.padLeft,
      geometry.dilationHeight, geometry.dilationWidth,
    ]
  }

  /// The weights as one matrix a group, `m` × `k`.
  private func matrices(_ w: StridedView, _ sizes: UnfoldedSizes) -> GemmOperand {
    let w = w.isContiguous ? w : denseFloats(w)
    return GemmOperand(
      storage: w.storage, dtype: w.dtype, offset: w.offset, inner: sizes.m * sizes.k, row: sizes.k, column: 1)
  }

  /// A view whose places follow each other at one distance in every plane.
  private func planes(_ view: StridedView) -> StridedView {
    view.strides[2] == view.shape[3] * view.strides[3] ? view : denseFloats(view)
  }

  private func outputs(_ y: StridedView, _ sizes: UnfoldedSizes, _ images: Range<Int>) -> GemmOperand {
    GemmOperand(
      storage: y.storage, dtype: y.dtype, offset: y.offset + images.lowerBound * y.strides[0], outer: y.strides[0],
      inner: sizes.m * y.strides[1], row: y.strides[1], column: y.strides[3])
  }
}

/// Sizes of one group's product: outputs, rows of a column, places of an image.
private struct UnfoldedSizes {
  let m, k, places: Int

  init(_ geometry: ConvolutionGeometry) {
    m = geometry.outputChannelsPerGroup
    k = geometry.inputChannelsPerGroup * geometry.kernelHeight * geometry.kernelWidth
    places = geometry.outputHeight * geometry.outputWidth
  }
}
