// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func maxPool(_ geometry: PoolingGeometry, _ x: StridedView, into y: StridedView, indices: StridedView?) {
    guard y.count > 0 else { return }
    let x = addressable(x)
    launchPlanes(
      "max_pool", geometry, x, each: geometry.outputHeight * geometry.outputWidth,
      [
        .buffer(y), .long(y.offset), .type(y), .buffer(indices ?? y), .long(indices?.offset ?? 0),
        .int(indices == nil ? 0 : 1),
      ])
  }

  package func averagePool(_ geometry: PoolingGeometry, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let x = addressable(x)
    launchPlanes(
      "average_pool", geometry, x, each: geometry.outputHeight * geometry.outputWidth,
      [.buffer(y), .long(y.offset), .type(y)])
  }

  package func maxPoolGradient(
    _ geometry: PoolingGeometry, _ dy: StridedView, indices: StridedView, into dx: StridedView
  ) {
    let indices = indices.isContiguous ? indices : dense(indices)
    intoFloat32(dx) { target in
      launchPlanes(
        "max_pool_gradient", geometry, dy, each: geometry.inputHeight * geometry.inputWidth,
        [.buffer(indices), .long(indices.offset), .buffer(target), .long(target.offset)])
    }
  }

  package func averagePoolGradient(_ geometry: PoolingGeometry, _ dy: StridedView, into dx: StridedView) {
    intoFloat32(dx) { target in
      launchPlanes(
        "average_pool_gradient", geometry, dy, each: geometry.inputHeight * geometry.inputWidth,
        [.buffer(target), .long(target.offset)])
    }
  }

  /// Lets a kernel that adds into its output do so in Float32, whatever the output's dtype.
  func intoFloat32(_ dx: StridedView, _ body: (StridedView) -> Void) {
    guard dx.count > 0 else { return }
    guard dx.dtype != .float32 else { return body(dx) }
    let target = scratch(.float32, dx.shape)
    body(target)
    copy(target, into: dx)
  }

  /// A view in whose planes 32-bit positions are enough.
  private func addressable(_ x: StridedView) -> StridedView {
    let span = abs(x.strides[2]) * x.shape[2] + abs(x.strides[3]) * x.shape[3]
    return span <= Int32.max ? x : dense(x)
  }

  /// - Parameters:
  ///   - view: what is read, `[N, C, H, W]` of the input or, for gradients, of the output.
  ///   - each: what a plane has of the elements that a GPU gives a work-item each.
  private func launchPlanes(
    _ kernel: String, _ geometry: PoolingGeometry, _ view: StridedView, each: Int, _ results: [KernelArgument]
  ) {
    let planes = geometry.batch * geometry.channels
    let share = max(1, 8192 / max(1, geometry.inputHeight * geometry.inputWidth))
    launchItems(
      "pooling.cl", kernel, isCPUDevice ? ceilDivide(planes, share) : planes * each,
      [.buffer(view), .longs([view.offset] + view.strides), .type(view)] + results
        + [Self.pool(geometry, share: share, view)])
  }

  /// `pool_t` of the kernels.
  private static func pool(_ geometry: PoolingGeometry, share: Int, _ view: StridedView) -> KernelArgument {
    func reaches(_ outputs: Int, _ stride: Int, _ kernel: Int, _ dilation: Int) -> Int {
      (outputs - 1) * stride + (kernel - 1) * dilation
    }
    let lastRow = reaches(
      geometry.outputHeight, geometry.strideHeight, geometry.kernelHeight, geometry.dilationHeight)
    let lastColumn = reaches(geometry.outputWidth, geometry.strideWidth, geometry.kernelWidth, geometry.dilationWidth)
    let isWhole =
      !geometry.isAdaptive && geometry.padHeight == 0 && geometry.padWidth == 0 && lastRow < geometry.inputHeight
      && lastColumn < geometry.inputWidth
    let isAdjacent = view.dtype == .float32 && view.strides[3] == 1 && view.strides[2] >= view.shape[3]
    return .ints([
      geometry.batch * geometry.channels, geometry.channels, geometry.inputHeight, geometry.inputWidth,
      geometry.kernelHeight, geometry.kernelWidth, geometry.strideHeight, geometry.strideWidth, geometry.padHeight,
      geometry.padWidth, geometry.dilationHeight, geometry.dilationWidth, geometry.outputHeight, geometry.outputWidth,
      geometry.countsPadding ? 1 : 0, share, isWhole ? 1 : 0, isAdjacent ? 1 : 0,
      geometry.isAdaptive ? 1 : 0, geometry.divisor,
    ])
  }
}
