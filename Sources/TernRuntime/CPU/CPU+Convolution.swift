// SPDX-License-Identifier: MIT
import CTernCPU

/// The ways to convolve on the CPU, each in a file of its own.
enum ConvolutionAlgorithm {
  /// 1x1, stride 1, no padding: a matrix product for each image.
  case product
  /// Register tiles that read shifted rows of padded planes; see `ShiftedConvolution`.
  case shifted

  init(_ geometry: ConvolutionGeometry) {
    let unpadded = geometry.padTop + geometry.padBottom + geometry.padLeft + geometry.padRight == 0
    let single = geometry.kernelHeight * geometry.kernelWidth == 1
    let unitStride = geometry.strideHeight == 1 && geometry.strideWidth == 1
    self = single && unitStride && unpadded ? .product : .shifted
  }
}

extension CPUBackend {
  package func convolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, bias: StridedView?, into y: StridedView
  ) {
    if y.count == 0 { return }
    countLaunch()
    x.withDenseFloats { x in
      w.withDenseFloats { w in
        bias.withDenseFloats { bias in
          y.withDenseTarget { y in
            switch ConvolutionAlgorithm(geometry) {
            case .product: ProductConvolution(geometry, threads).forward(x, w, bias: bias, y)
            case .shifted: ShiftedConvolution(forward: geometry, w).run(threads, x, bias: bias, y)
            }
          }
        }
      }
    }
  }

  package func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView
  ) {
    if dx.count == 0 { return }
    countLaunch()
    dy.withDenseFloats { dy in
      w.withDenseFloats { w in
        dx.withDenseTarget { dx in
          switch ConvolutionAlgorithm(geometry) {
          case .product: ProductConvolution(geometry, threads).inputGradient(dy, w, dx)
          case .shifted: ShiftedConvolution(inputGradient: geometry, w).run(threads, dy, bias: nil, dx)
          }
        }
      }
    }
  }

  package func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView
  ) {
    if dw.count == 0 { return }
    countLaunch()
    x.withDenseFloats { x in
      dy.withDenseFloats { dy in
        dw.withDenseTarget { dw in WeightGradient(geometry).run(threads, x, dy, dw) }
      }
    }
  }
}

extension StridedView {
  /// Room for dense Float32 results: the view itself if it is that, else scratch memory that is rounded into it.
  fileprivate func withDenseTarget(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    if dtype == .float32 && isContiguous { return body(floats) }
    ScratchPool.shared.withFloats(count) { dense in
      body(dense)
      storeDenseFloats(UnsafePointer(dense))
    }
  }
}

extension StridedView? {
  fileprivate func withDenseFloats(_ body: (UnsafePointer<Float>?) -> Void) {
    guard let view = self else { return body(nil) }
    view.withDenseFloats { body($0) }
  }
}
