// SPDX-License-Identifier: MIT
import CTernCPU

/// The ways to convolve on the CPU, each in a file of its own.
package enum ConvolutionAlgorithm: String, CaseIterable, Sendable {
  /// 1x1, stride 1, no padding: a matrix product for each image; see `ProductConvolution`.
  case product
  /// Register tiles that read shifted rows of padded planes; see `ShiftedConvolution` and `WeightGradient`.
  case shifted
  /// Winograd's F(2x2, 3x3); see `WinogradConvolution`.
  case winograd2
  /// Winograd's F(4x4, 3x3): fewer products, and about twice the rounding error of a direct sum.
  case winograd4

  /// `TERN_CONV=product|shifted|winograd2|winograd4`. Other names belong to other kinds of device.
  private static let fromEnvironment = environmentValue("TERN_CONV").flatMap(ConvolutionAlgorithm.init)

  /// All algorithms that can run this pass, the one to take unless something is known first.
  package static func candidates(for pass: ConvolutionPass, _ geometry: ConvolutionGeometry) -> [ConvolutionAlgorithm] {
    let g = geometry
    let unpadded = g.padTop + g.padBottom + g.padLeft + g.padRight == 0
    let unitStride = g.strideHeight == 1 && g.strideWidth == 1
    if g.kernelHeight == 1 && g.kernelWidth == 1 && unitStride && unpadded { return [.product, .shifted] }
    guard WinogradConvolution.applies(to: g) else { return [.shifted] }
    let channels = min(g.inputChannelsPerGroup, g.outputChannelsPerGroup)
    return channels >= WinogradConvolution.leastChannels
      ? [.winograd4, .winograd2, .shifted] : [.shifted, .winograd4, .winograd2]
  }

  /// The forced algorithm where it applies, else the default.
  static func chosen(for pass: ConvolutionPass, _ geometry: ConvolutionGeometry) -> ConvolutionAlgorithm {
    let candidates = candidates(for: pass, geometry)
    if let forced = fromEnvironment, candidates.contains(forced) { return forced }
    return candidates[0]
  }
}
