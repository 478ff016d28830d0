// SPDX-License-Identifier: MIT
import CTernCPU

/// A 1x1 convolution without stride and padding: `y[n] = w · x[n]`, `x[n]` `[C, H * W]` read where it is.
struct ProductConvolution {
  let geometry: ConvolutionGeometry
  let threads: ThreadPool

  private let functions: tern_gemm_functions

  init(_ geometry: ConvolutionGeometry, _ threads: ThreadPool, _ isa: tern_isa) {
    self.geometry = geometry
    self.threads = threads
    functions = tern_gemm_functions_for(isa).pointee
  }

  private var pixels: Int { geometry.outputHeight * geometry.outputWidth }
  private var inputs: Int { geometry.inputChannelsPerGroup }
  private var outputs: Int { geometry.outputChannelsPerGroup }

  func forward(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: ConvolutionEpilogue,
    _ y: UnsafeMutablePointer<Float>
  ) {
    forEachProduct { image, group in
      let weights = tern_matrix(
        data: w + group * outputs * inputs, row_stride: inputs, column_stride: 1, element: TERN_ELEMENT_FLOAT32)
      var product = MatrixProduct(
        m: outputs, n: pixels, k: inputs, a: weights,
        b: plane(x + (image * geometry.groups + group) * inputs * pixels),
        c: y + (image * geometry.groups + group) * outputs * pixels, rowStep: pixels, functions: functions)
      product.rowBias = epilogue.from(channel: group * outputs).bias
      product.activation = epilogue.activation
      return product
    }
  }

  func inputGradient(
    _ dy: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>
  ) {
    forEachProduct { image, group in
      let weights = tern_matrix(
        data: w + group * outputs * inputs, row_stride: 1, column_stride: inputs, element: TERN_ELEMENT_FLOAT32)
      return MatrixProduct(
        m: inputs, n: pixels, k: outputs, a: weights,
        b: plane(dy + (image * geometry.groups + group) * outputs * pixels),
        c: dx + (image * geometry.groups + group) * inputs * pixels, rowStep: pixels, functions: functions)
    }
  }

  private func plane(_ data: UnsafePointer<Float>) -> tern_matrix {
    tern_matrix(data: data, row_stride: pixels, column_stride: 1, element: TERN_ELEMENT_FLOAT32)
  }

  /// Images side by side if there are enough of them for the threads, else one after the other, each on all threads.
  private func forEachProduct(_ product: (_ image: Int, _ group: Int) -> MatrixProduct) {
    let units = geometry.batch * geometry.groups
    let work = inputs * outputs * pixels
    if units >= 16 || work < MatrixProduct.chunkWork {
      let chunks = max(1, min(units, 64, units * work / MatrixProduct.chunkWork))
      threads.run(chunks: chunks) { chunk in
        for unit in units * chunk / chunks..<units * (chunk + 1) / chunks {
          product(unit / geometry.groups, unit % geometry.groups).run(threads)
        }
      }
    } else {
      for unit in 0..<units { product(unit / geometry.groups, unit % geometry.groups).run(threads) }
    }
  }
}
