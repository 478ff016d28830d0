// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func convolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, bias: StridedView?, into y: StridedView
  ) {
    guard y.count > 0 else { return }
    if let product = pointConvolution(geometry, x, w, y) {
      var product = product
      product.bias = bias.map {
        GemmBias(
          storage: $0.storage, dtype: $0.dtype, offset: $0.offset, inner: product.m * $0.strides[0], row: $0.strides[0])
      }
      gemm(product)
    } else if prefersWideVectors {
      wideConvolution(geometry, x, w, bias: bias, into: y)
    } else {
      unfoldedConvolution(geometry, x, w, bias: bias, into: y)
    }
  }

  package func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView
  ) {
    guard dx.count > 0 else { return }
    if let forward = pointConvolution(geometry, dx, w, dy) {
      gemm(
        GemmProblem(
          m: forward.k, n: forward.n, k: forward.m, outer: forward.outer, inner: forward.inner, a: forward.a.transposed,
          b: forward.c, c: forward.b))
    } else if prefersWideVectors {
      wideInputGradient(geometry, dy, w, into: dx)
    } else {
      unfoldedInputGradient(geometry, dy, w, into: dx)
    }
  }

  package func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView
  ) {
    guard dw.count > 0 else { return }
    guard dy.count > 0 else {
      let zero = PointwiseProgram.fill(.real(0), dtype: dw.dtype)
      return pointwise(zero, [PointwiseOperands(inputs: [], outputs: [dw])])
    }
    if prefersWideVectors {
      wideWeightGradient(geometry, x, dy, into: dw)
    } else {
      unfoldedWeightGradient(geometry, x, dy, into: dw)
    }
  }

  /// A 1 × 1 convolution at stride 1 without padding is the product `y[n, group] = w[group] · x[n, group]`; nil for others,
  /// and where a view's lines do not follow each other at one distance.
  private func pointConvolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, _ y: StridedView
  ) -> GemmProblem? {
    func matrices(_ view: StridedView, channels: Int) -> GemmOperand? {
      guard view.shape[2] == 1 || view.shape[3] == 1 || view.strides[2] == view.shape[3] * view.strides[3] else {
        return nil
      }
      return GemmOperand(
        storage: view.storage, dtype: view.dtype, offset: view.offset, outer: view.strides[0],
        inner: channels * view.strides[1], row: view.strides[1],
        column: view.shape[3] == 1 ? view.strides[2] : view.strides[3])
    }
    guard geometry.kernelHeight == 1, geometry.kernelWidth == 1, geometry.strideHeight == 1, geometry.strideWidth == 1,
      geometry.padTop == 0, geometry.padBottom == 0, geometry.padLeft == 0, geometry.padRight == 0,
      let image = matrices(x, channels: geometry.inputChannelsPerGroup),
      let result = matrices(y, channels: geometry.outputChannelsPerGroup)
    else { return nil }
    return GemmProblem(
      m: geometry.outputChannelsPerGroup, n: geometry.outputHeight * geometry.outputWidth,
      k: geometry.inputChannelsPerGroup, outer: geometry.batch, inner: geometry.groups,
      a: GemmOperand(
        storage: w.storage, dtype: w.dtype, offset: w.offset, inner: geometry.outputChannelsPerGroup * w.strides[0],
        row: w.strides[0], column: w.strides[1]),
      b: image, c: result)
  }
}
