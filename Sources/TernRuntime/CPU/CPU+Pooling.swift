// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func maxPool(_ geometry: PoolingGeometry, _ x: StridedView, into y: StridedView, indices: StridedView?) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_pooling_functions_for(isa).pointee
    let input = PooledInput(self, geometry, x)
    write(y) { y in
      let target = y.floats
      let positions = indices?.address.assumingMemoryBound(to: Int32.self)
      forEachPlane(geometry) { plane in
        var pool = input.pool
        let start = plane * geometry.outputHeight * geometry.outputWidth
        table.max(&pool, input.plane(plane), target + start, positions.map { $0 + start })
      }
    }
  }

  package func maxPoolGradient(
    _ geometry: PoolingGeometry, _ dy: StridedView, indices: StridedView, into dx: StridedView
  ) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_pooling_functions_for(isa).pointee
    let dy = denseFloat(dy)
    let indices = dense(indices, as: .int32)
    write(dx) { dx in
      let (source, target) = (dy.floats, dx.floats)
      let positions = indices.address.assumingMemoryBound(to: Int32.self)
      forEachPlane(geometry) { plane in
        var pool = tern_pool(geometry, rowStride: geometry.inputWidth)
        let start = plane * geometry.outputHeight * geometry.outputWidth
        table.max_gradient(
          &pool, source + start, positions + start, target + plane * geometry.inputHeight * geometry.inputWidth)
      }
    }
  }

  package func averagePool(_ geometry: PoolingGeometry, _ x: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_pooling_functions_for(isa).pointee
    let input = PooledInput(self, geometry, x)
    write(y) { y in
      let target = y.floats
      forEachPlane(geometry) { plane in
        var pool = input.pool
        table.average(&pool, input.plane(plane), target + plane * geometry.outputHeight * geometry.outputWidth)
      }
    }
  }

  package func averagePoolGradient(_ geometry: PoolingGeometry, _ dy: StridedView, into dx: StridedView) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_pooling_functions_for(isa).pointee
    let dy = denseFloat(dy)
    write(dx) { dx in
      let (source, target) = (dy.floats, dx.floats)
      forEachPlane(geometry) { plane in
        var pool = tern_pool(geometry, rowStride: geometry.inputWidth)
        table.average_gradient(
          &pool, source + plane * geometry.outputHeight * geometry.outputWidth,
          target + plane * geometry.inputHeight * geometry.inputWidth)
      }
    }
  }

  private func forEachPlane(_ geometry: PoolingGeometry, _ body: (Int) -> Void) {
    let work = geometry.inputHeight * geometry.inputWidth
    forEachRange(geometry.batch * geometry.channels, elementsEach: work) { first, count in
      for plane in first..<first + count { body(plane) }
    }
  }
}

/// The planes that a pooling reads: in place where rows are dense Float32, else from a dense copy.
private struct PooledInput {
  let pool: tern_pool
  private let view: StridedView
  private let channels: Int

  init(_ backend: CPUBackend, _ geometry: PoolingGeometry, _ x: StridedView) {
    let isReadable = x.dtype == .float32 && (x.strides[3] == 1 || geometry.inputWidth == 1)
    view = isReadable ? x : backend.denseFloat(x)
    channels = geometry.channels
    pool = tern_pool(geometry, rowStride: view.strides[2])
  }

  func plane(_ index: Int) -> UnsafePointer<Float> {
    let (image, channel) = index.quotientAndRemainder(dividingBy: channels)
    return UnsafePointer(view.floats + image * view.strides[0] + channel * view.strides[1])
  }
}

extension tern_pool {
  fileprivate init(_ geometry: PoolingGeometry, rowStride: Int) {
    self.init(
      input_height: geometry.inputHeight, input_width: geometry.inputWidth, output_height: geometry.outputHeight,
      output_width: geometry.outputWidth, kernel_height: geometry.kernelHeight, kernel_width: geometry.kernelWidth,
      stride_height: geometry.strideHeight, stride_width: geometry.strideWidth, pad_height: geometry.padHeight,
      pad_width: geometry.padWidth, dilation_height: geometry.dilationHeight,
      dilation_width: geometry.dilationWidth, x_row_stride: rowStride, counts_padding: geometry.countsPadding,
      adaptive: geometry.isAdaptive, divisor: geometry.divisor)
  }
}
