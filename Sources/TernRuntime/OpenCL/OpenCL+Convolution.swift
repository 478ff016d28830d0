// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func convolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, _ epilogue: Epilogue, into y: StridedView
  ) {
    guard y.count > 0 else { return }
    let problem = ConvolutionProblem(pass: .forward, geometry: geometry, x: x, w: w, y: y, epilogue: epilogue)
    convolution(problem, by: .choice(for: problem, on: self))
  }

  package func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView
  ) {
    guard dx.count > 0 else { return }
    guard dy.count > 0 else { return fillZero(dx) }
    let problem = ConvolutionProblem(pass: .inputGradient, geometry: geometry, x: dx, w: w, y: dy)
    convolution(problem, by: .choice(for: problem, on: self))
  }

  package func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView
  ) {
    guard dw.count > 0 else { return }
    guard dy.count > 0 else { return fillZero(dw) }
    let problem = ConvolutionProblem(pass: .weightGradient, geometry: geometry, x: x, w: dw, y: dy)
    convolution(problem, by: .choice(for: problem, on: self))
  }

  /// Runs a pass by one of `OpenCLConvolutionAlgorithm.candidates(for:on:)`.
  func convolution(_ problem: ConvolutionProblem, by algorithm: OpenCLConvolutionAlgorithm) {
    switch algorithm {
    case .product: pointConvolution(problem)
    case .depthwise: depthwiseConvolution(problem)
    case .wide: wideConvolution(problem)
    case .winograd4: winogradConvolution(problem, tile: 4)
    case .winograd2: winogradConvolution(problem, tile: 2)
    case .implicit: implicitConvolution(problem)
    case .direct: directConvolution(problem)
    case .unfolded: unfoldedConvolution(problem)
    }
  }

  func fillZero(_ view: StridedView) {
    pointwise(.fill(.real(0), dtype: view.dtype), [PointwiseOperands(inputs: [], outputs: [view])])
  }
}
