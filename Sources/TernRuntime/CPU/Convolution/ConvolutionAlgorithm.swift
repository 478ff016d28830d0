// SPDX-License-Identifier: MIT
import CTernCPU

/// The ways to convolve on the CPU, each in a file of its own.
package enum ConvolutionAlgorithm: String, CaseIterable, Sendable {
  /// 1x1, stride 1, no padding: a matrix product for each image; see `ProductConvolution`.
  case product
  /// Register tiles that read shifted rows of padded planes; see `ShiftedConvolution` and `WeightGradient`.
  case shifted
  /// Register tiles with vectors of output channels, for narrow images; forward only; see `ChannelConvolution`.
  case channels
  /// One input channel in each group, plane by plane; see `DepthwiseConvolution`.
  case depthwise
  /// Winograd's F(2x2, 3x3); see `WinogradConvolution`.
  case winograd2
  /// Winograd's F(4x4, 3x3): fewer products, and about twice the rounding error of a direct sum.
  case winograd4

  /// Overrides the choice for the calls of a test.
  @TaskLocal package static var forced: ConvolutionAlgorithm?

  /// `TERN_CONV` names one of these. Other names belong to other kinds of device.
  fileprivate static let fromEnvironment = environmentValue("TERN_CONV").flatMap(ConvolutionAlgorithm.init)

  /// All algorithms that can run this pass, the one to take unless something is known first.
  package static func candidates(for pass: ConvolutionPass, _ geometry: ConvolutionGeometry) -> [ConvolutionAlgorithm] {
    let g = geometry
    let unpadded = g.padTop + g.padBottom + g.padLeft + g.padRight == 0
    let unitStride = g.strideHeight == 1 && g.strideWidth == 1
    if g.kernelHeight == 1 && g.kernelWidth == 1 && unitStride && unpadded { return [.product, .shifted] }
    if DepthwiseConvolution.applies(to: g) { return [.depthwise, .shifted] }
    var candidates = [ConvolutionAlgorithm.shifted]
    if pass == .forward && ChannelConvolution.applies(to: g) {
      let pays = ChannelConvolution.pays(for: g, lanes: Int(tern_gemm().pointee.columns) / 2)
      candidates.insert(.channels, at: pays ? 0 : 1)
    }
    guard WinogradConvolution.applies(to: g) else { return candidates }
    let (two, four) = (WinogradConvolution.cost(g, tile: 2), WinogradConvolution.cost(g, tile: 4))
    let both: [ConvolutionAlgorithm] = two <= four ? [.winograd2, .winograd4] : [.winograd4, .winograd2]
    return min(two, four) < WinogradConvolution.directCost(g) ? both + candidates : candidates + both
  }
}

extension CPUBackend {
  /// What something forces, where it is valid, else what `tern tune` chose, else the default.
  func algorithm(
    for pass: ConvolutionPass, _ geometry: ConvolutionGeometry, x: StridedView, w: StridedView, y: StridedView,
    bias: StridedView? = nil
  ) -> ConvolutionAlgorithm {
    let candidates = ConvolutionAlgorithm.candidates(for: pass, geometry)
    let forced = ConvolutionAlgorithm.forced ?? ConvolutionAlgorithm.fromEnvironment
    if let forced, candidates.contains(forced) { return forced }
    let problem = ProblemClass.convolution(pass, geometry, x: x, w: w, y: y, bias: bias)
    return choices.choice(for: problem, among: candidates) ?? candidates[0]
  }
}
