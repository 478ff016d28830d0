// SPDX-License-Identifier: MIT
import CTernCPU

/// A convolution whose groups have one input channel each, plane by plane, without a copy: vectors run along the rows,
/// and what lies outside of the input is masked.
struct DepthwiseConvolution {
  private let geometry: ConvolutionGeometry
  private let threads: ThreadPool
  private let functions: tern_depthwise_functions

  init(_ geometry: ConvolutionGeometry, _ threads: ThreadPool, _ isa: tern_isa) {
    self.geometry = geometry
    self.threads = threads
    // Short rows would leave more than half of a wide vector empty.
    let narrow = geometry.outputWidth <= 8 && isa == TERN_ISA_AVX512
    functions = tern_depthwise_functions_for(narrow ? TERN_ISA_AVX2 : isa).pointee
  }

  static func applies(to g: ConvolutionGeometry) -> Bool {
    g.inputChannelsPerGroup == 1 && g.groups > 1 && g.kernelWidth <= Int(TERN_DEPTHWISE_WIDTH)
  }

  private var taps: Int { geometry.kernelHeight * geometry.kernelWidth }
  /// Output channels of each input channel.
  private var multiplier: Int { geometry.outputChannelsPerGroup }
  private var inputPlane: Int { geometry.inputHeight * geometry.inputWidth }
  private var outputPlane: Int { geometry.outputHeight * geometry.outputWidth }

  private var slide: tern_depthwise_geometry {
    let g = geometry
    return tern_depthwise_geometry(
      height: g.inputHeight, width: g.inputWidth, out_height: g.outputHeight, out_width: g.outputWidth,
      kernel_height: g.kernelHeight, kernel_width: g.kernelWidth, row_stride: g.strideHeight,
      column_stride: g.strideWidth, row_dilation: g.dilationHeight, column_dilation: g.dilationWidth,
      pad_top: g.padTop, pad_left: g.padLeft)
  }

  /// The output's gradient slid over by the kernel turned by 180 degrees; stride 1 only.
  private var reversedSlide: tern_depthwise_geometry {
    let g = geometry
    return tern_depthwise_geometry(
      height: g.outputHeight, width: g.outputWidth, out_height: g.inputHeight, out_width: g.inputWidth,
      kernel_height: g.kernelHeight, kernel_width: g.kernelWidth, row_stride: 1, column_stride: 1,
      row_dilation: g.dilationHeight, column_dilation: g.dilationWidth,
      pad_top: (g.kernelHeight - 1) * g.dilationHeight - g.padTop,
      pad_left: (g.kernelWidth - 1) * g.dilationWidth - g.padLeft)
  }

  /// Cuts planes, or sums over `images` planes each, into chunks for threads.
  private func forEachPlane(_ count: Int, images: Int = 1, _ body: (Int) -> Void) {
    // Reading and writing an element takes as long as some multiply-adds in the cache.
    let work = count * images * outputPlane * (taps + 16)
    let chunks = max(1, min(64, count, work / (MatrixProduct.chunkWork / 4)))
    threads.run(chunks: chunks) { chunk in
      for plane in count * chunk / chunks..<count * (chunk + 1) / chunks { body(plane) }
    }
  }

  func forward(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: ConvolutionEpilogue,
    _ y: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    forEachPlane(g.batch * g.outputChannels) { plane in
      let (image, channel) = (plane / g.outputChannels, plane % g.outputChannels)
      var slide = self.slide
      var pass = tern_depthwise_pass(
        source: x + (image * g.inputChannels + channel / multiplier) * inputPlane, weights: w + channel * taps,
        terms: 1, bias: epilogue.from(channel: channel).bias, activation: epilogue.activation.rawValue,
        target: y + plane * outputPlane)
      functions.convolve(&slide, &pass, false)
    }
  }

  func inputGradient(_ dy: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>) {
    let g = geometry
    let isReversible = g.strideHeight == 1 && g.strideWidth == 1
    forEachPlane(g.batch * g.inputChannels) { plane in
      let (image, channel) = (plane / g.inputChannels, plane % g.inputChannels)
      var pass = tern_depthwise_pass(
        source: dy + (image * g.outputChannels + channel * multiplier) * outputPlane,
        weights: w + channel * multiplier * taps, terms: multiplier, bias: nil,
        activation: Activation.none.rawValue, target: dx + plane * inputPlane)
      var slide = isReversible ? reversedSlide : self.slide
      if isReversible { functions.convolve(&slide, &pass, true) } else { functions.input_gradient(&slide, &pass) }
    }
  }

  /// Few channels give threads too little to share: images are then summed in parts, and the parts in order.
  func weightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>) {
    let g = geometry
    let parts = max(1, min(g.batch, 16 / g.outputChannels))
    ScratchPool.shared.withFloats(parts * g.outputChannels * taps) { sums in
      forEachPlane(parts * g.outputChannels, images: g.batch / parts) { index in
        let (part, channel) = (index / g.outputChannels, index % g.outputChannels)
        let first = g.batch * part / parts
        var slide = self.slide
        var sum = tern_depthwise_sum(
          x: x + (first * g.inputChannels + channel / multiplier) * inputPlane,
          dy: dy + (first * g.outputChannels + channel) * outputPlane,
          images: g.batch * (part + 1) / parts - first, x_step: g.inputChannels * inputPlane,
          dy_step: g.outputChannels * outputPlane, target: sums + index * taps)
        functions.weight_gradient(&slide, &sum)
      }
      for element in 0..<g.outputChannels * taps {
        dw[element] = (1..<parts).reduce(sums[element]) { $0 + sums[$1 * g.outputChannels * taps + element] }
      }
    }
  }
}
