// SPDX-License-Identifier: MIT

// Convolutions as unfolded images and matrix products, a chunk of images at a time.

extension OpenCLBackend {
  func unfoldedConvolution(_ problem: ConvolutionProblem) {
    switch problem.pass {
    case .forward: unfoldedForward(problem)
    case .inputGradient: unfoldedInputGradient(problem)
    case .weightGradient: unfoldedWeightGradient(problem)
    }
  }

  private func unfoldedForward(_ problem: ConvolutionProblem) {
    let geometry = problem.geometry
    let sizes = UnfoldedSizes(geometry)
    let weights = matrices(problem.w, sizes)
    for images in chunks(geometry, sizes) {
      let columns = unfold(geometry, sizes, problem.x, images)
      gemm(
        GemmProblem(
          m: sizes.m, n: sizes.places, k: sizes.k, outer: images.count, inner: geometry.groups, a: weights,
          b: GemmOperand(
            storage: columns, dtype: .float32, outer: geometry.groups * sizes.k * sizes.places,
            inner: sizes.k * sizes.places, row: sizes.places, column: 1),
          c: outputs(problem.y, sizes, images),
          bias: problem.bias.map {
            GemmBias(
              storage: $0.storage, dtype: $0.dtype, offset: $0.offset, inner: sizes.m * $0.strides[0],
              row: $0.strides[0])
          }, activation: problem.activation))
    }
  }

  private func unfoldedInputGradient(_ problem: ConvolutionProblem) {
    let (geometry, dx) = (problem.geometry, problem.x)
    let sizes = UnfoldedSizes(geometry)
    let weights = matrices(problem.w, sizes).transposed
    let gradients = planes(problem.y)
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

  /// `dw = sum over images of dy · transposed(columns)`.
  private func unfoldedWeightGradient(_ problem: ConvolutionProblem) {
    let geometry = problem.geometry
    let sizes = UnfoldedSizes(geometry)
    let gradients = planes(problem.y)
    sumOverImages(problem, chunks(geometry, sizes)) { images, partial in
      let columns = unfold(geometry, sizes, problem.x, images)
      gemm(
        GemmProblem(
          m: sizes.m, n: sizes.k, k: sizes.places, outer: images.count, inner: geometry.groups,
          a: outputs(gradients, sizes, images),
          b: GemmOperand(
            storage: columns, dtype: .float32, outer: geometry.groups * sizes.k * sizes.places,
            inner: sizes.k * sizes.places, row: 1, column: sizes.places),
          c: partial))
    }
  }

  /// The gradient of the weights from products for each image, added up in order.
  ///
  /// - Parameters:
  ///   - parts: images whose products are in memory together.
  ///   - multiply: writes the products of some images: `outer` counts images, `inner` groups.
  func sumOverImages(
    _ problem: ConvolutionProblem, _ parts: [Range<Int>], multiply: (Range<Int>, GemmOperand) -> Void
  ) {
    let (geometry, dw) = (problem.geometry, problem.w)
    let m = geometry.outputChannelsPerGroup
    let n = elementCount(geometry.weightShape) / geometry.outputChannels
    let products = geometry.groups * m * n
    let sums = parts.count == 1 ? nil : scratch(parts.count * products)
    func target(_ storage: Storage, _ dtype: DType, _ offset: Int) -> GemmOperand {
      GemmOperand(storage: storage, dtype: dtype, offset: offset, outer: products, inner: m * n, row: n, column: 1)
    }
    let result = target(dw.storage, dw.dtype, dw.offset)
    for (index, images) in parts.enumerated() {
      let partial = scratch(images.count * products)
      multiply(images, target(partial, .float32, 0))
      reduce(
        parts: images.count, partStride: products, partial, m: m, n: n, outer: 1, inner: geometry.groups,
        into: sums.map { target($0, .float32, index * products) } ?? result, bias: nil)
    }
    if let sums {
      reduce(
        parts: parts.count, partStride: products, sums, m: m, n: n, outer: 1, inner: geometry.groups, into: result,
        bias: nil)
    }
  }

  // MARK: Pieces

  private func chunks(_ geometry: ConvolutionGeometry, _ sizes: UnfoldedSizes) -> [Range<Int>] {
    imageChunks(geometry.batch, floatsPerImage: geometry.groups * max(sizes.k * sizes.places, sizes.m * sizes.k))
  }

  /// Images for one pass, so that what each needs takes no more than an eighth of the memory, nor `bytes`. The division
  /// decides how the gradient's sums are rounded, so it follows the shape and, for small devices, their memory.
  func imageChunks(_ batch: Int, floatsPerImage: Int, bytes: Int = 256 << 20) -> [Range<Int>] {
    let bound = min(bytes, info.globalMemoryBytes / 8, info.maxAllocationBytes)
    let count = min(batch, max(1, bound / max(1, floatsPerImage * MemoryLayout<Float>.size)))
    return stride(from: 0, to: batch, by: count).map { $0..<min(batch, $0 + count) }
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

  /// The fields of `window_t` for an input from image `first` on.
  func window(_ geometry: ConvolutionGeometry, _ x: StridedView, from first: Int) -> [Int] {
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
