// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func convolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, _ epilogue: Epilogue, into y: StridedView
  ) {
    let algorithm = algorithm(for: .forward, geometry, x: x, w: w, y: y, bias: epilogue.bias)
    convolution(geometry, x, w, epilogue, into: y, by: algorithm)
  }

  package func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView
  ) {
    let algorithm = algorithm(for: .inputGradient, geometry, x: dx, w: w, y: dy)
    convolutionInputGradient(geometry, dy, w, into: dx, by: algorithm)
  }

  package func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView
  ) {
    let algorithm = algorithm(for: .weightGradient, geometry, x: x, w: dw, y: dy)
    convolutionWeightGradient(geometry, x, dy, into: dw, by: algorithm)
  }

  /// - Precondition: `algorithm` is one of `ConvolutionAlgorithm.candidates`, here and below.
  package func convolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, _ epilogue: Epilogue, into y: StridedView,
    by algorithm: ConvolutionAlgorithm
  ) {
    if y.count == 0 { return }
    let launch = begin(by: algorithm.rawValue)
    defer { launch.end() }
    x.withDenseFloats { x in
      w.withDenseFloats { w in
        epilogue.bias.withDenseFloats { bias in
          let epilogue = ConvolutionEpilogue(bias: bias, activation: epilogue.activation)
          y.withDenseTarget { y in
            switch algorithm {
            case .product: ProductConvolution(geometry, threads, isa).forward(x, w, epilogue, y)
            case .shifted: ShiftedConvolution(forward: geometry, w).run(threads, isa, x, epilogue, y)
            case .channels: ChannelConvolution(geometry, isa).run(threads, x, w, epilogue, y)
            case .depthwise: DepthwiseConvolution(geometry, threads, isa).forward(x, w, epilogue, y)
            case .winograd2: WinogradConvolution(forward: geometry, w, tile: 2).run(threads, isa, x, epilogue, y)
            case .winograd4: WinogradConvolution(forward: geometry, w, tile: 4).run(threads, isa, x, epilogue, y)
            }
          }
        }
      }
    }
  }

  package func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView,
    by algorithm: ConvolutionAlgorithm
  ) {
    if dx.count == 0 { return }
    let launch = begin(by: algorithm.rawValue)
    defer { launch.end() }
    dy.withDenseFloats { dy in
      w.withDenseFloats { w in
        dx.withDenseTarget { dx in
          switch algorithm {
          case .product: ProductConvolution(geometry, threads, isa).inputGradient(dy, w, dx)
          case .shifted, .channels:
            ShiftedConvolution(inputGradient: geometry, w).run(threads, isa, dy, .none, dx)
          case .depthwise: DepthwiseConvolution(geometry, threads, isa).inputGradient(dy, w, dx)
          case .winograd2: WinogradConvolution(inputGradient: geometry, w, tile: 2).run(threads, isa, dy, .none, dx)
          case .winograd4: WinogradConvolution(inputGradient: geometry, w, tile: 4).run(threads, isa, dy, .none, dx)
          }
        }
      }
    }
  }

  package func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView,
    by algorithm: ConvolutionAlgorithm
  ) {
    if dw.count == 0 { return }
    let launch = begin(by: algorithm.rawValue)
    defer { launch.end() }
    x.withDenseFloats { x in
      dy.withDenseFloats { dy in
        dw.withDenseTarget { dw in
          switch algorithm {
          case .product: WeightGradient(geometry, isa, inPlace: true).run(threads, x, dy, dw)
          case .shifted, .channels: WeightGradient(geometry, isa, inPlace: false).run(threads, x, dy, dw)
          case .depthwise: DepthwiseConvolution(geometry, threads, isa).weightGradient(x, dy, dw)
          case .winograd2: WinogradWeightGradient(geometry, isa, tile: 2).run(threads, x, dy, dw)
          case .winograd4: WinogradWeightGradient(geometry, isa, tile: 4).run(threads, x, dy, dw)
          }
        }
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
