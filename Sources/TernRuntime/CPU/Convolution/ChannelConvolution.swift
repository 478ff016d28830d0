// SPDX-License-Identifier: MIT
import CTernCPU

/// A convolution whose vectors run along the output's channels: inputs are broadcast, so that narrow images, whose rows
/// would leave vectors half empty, run at full speed if the channels fill them.
///
/// Without padding the input is read in place, else from padded planes. Bands of output rows keep these in the
/// second-level cache and give work to several threads.
struct ChannelConvolution {
  private let geometry: ConvolutionGeometry
  private let convolution: tern_conv_functions
  private let gemm: tern_gemm_functions
  private let isPadded: Bool
  private let pitch: Int, planeHeight: Int
  private let rowsPerBand: Int, bands: Int

  /// Floats of planes that stay in the second-level cache: 512 KiB.
  private static let planeBudget = 128 * 1024

  static func applies(to g: ConvolutionGeometry) -> Bool { g.strideWidth <= 2 }

  /// Whether it computes less in vain than vectors along the rows do: the channels fill theirs, the rows do not.
  static func pays(for g: ConvolutionGeometry, lanes: Int) -> Bool {
    func filled(_ count: Int) -> Double { Double(count) / Double((count + lanes - 1) / lanes * lanes) }
    let depth = g.inputChannelsPerGroup * g.kernelHeight * g.kernelWidth
    return depth >= 16 && filled(g.outputChannelsPerGroup) > 1.05 * filled(g.outputWidth)
  }

  init(_ geometry: ConvolutionGeometry, _ isa: tern_isa) {
    let g = geometry
    self.geometry = g
    convolution = tern_conv_functions_for(isa).pointee
    gemm = tern_gemm_functions_for(isa).pointee
    isPadded = g.padTop + g.padBottom + g.padLeft + g.padRight > 0
    let spanWidth = (g.kernelWidth - 1) * g.dilationWidth + 1
    let spanHeight = (g.kernelHeight - 1) * g.dilationHeight + 1
    pitch = isPadded ? (g.outputWidth - 1) * g.strideWidth + spanWidth : g.inputWidth
    let rowFloats = g.inputChannelsPerGroup * pitch
    let fitting = max(1, (Self.planeBudget / rowFloats - spanHeight) / g.strideHeight + 1)
    // Few images leave threads without work unless their rows are shared out.
    let units = g.batch * g.groups
    let wanted = units >= 16 ? 1 : min(g.outputHeight, 16 / max(1, units))
    let count = max(isPadded ? (g.outputHeight + fitting - 1) / fitting : 1, wanted)
    rowsPerBand = (g.outputHeight + count - 1) / count
    bands = (g.outputHeight + rowsPerBand - 1) / rowsPerBand
    planeHeight = isPadded ? (rowsPerBand - 1) * g.strideHeight + spanHeight : g.inputHeight
  }

  func run(
    _ threads: ThreadPool, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ epilogue: ConvolutionEpilogue,
    _ y: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let (inputs, outputs) = (g.inputChannelsPerGroup, g.outputChannelsPerGroup)
    let depth = inputs * g.kernelHeight * g.kernelWidth
    let width = Int(gemm.columns)
    let packedFloats = (outputs + width - 1) / width * width * depth
    let offsets = offsets
    ScratchPool.shared.withFloats(packedFloats * g.groups) { packed in
      for group in 0..<g.groups {
        var weights = tern_matrix(
          data: w + group * outputs * depth, row_stride: 1, column_stride: depth, element: TERN_ELEMENT_FLOAT32)
        gemm.pack_columns(&weights, 0, outputs, 0, depth, packed + group * packedFloats)
      }
      let units = g.batch * g.groups * bands
      let work = g.batch * g.outputChannels * g.outputHeight * g.outputWidth * depth
      let chunks = max(1, min(units, 64, work / MatrixProduct.chunkWork))
      threads.run(chunks: chunks) { chunk in
        ScratchPool.shared.withFloats(isPadded ? inputs * planeHeight * pitch : 0) { planes in
          for unit in units * chunk / chunks..<units * (chunk + 1) / chunks {
            let (image, band) = (unit / bands, unit % bands)
            let (group, row) = (image % g.groups, band * rowsPerBand)
            let source = x + image * inputs * g.inputHeight * g.inputWidth
            if isPadded { pad(source, firstRow: row, planes) }
            var pass = tern_conv_channel_pass()
            (pass.channels, pass.depth) = (outputs, depth)
            pass.weights = UnsafePointer(packed) + group * packedFloats
            pass.source = isPadded ? UnsafePointer(planes) : source + row * g.strideHeight * pitch
            (pass.row_step, pass.column_step) = (g.strideHeight * pitch, g.strideWidth)
            (pass.out_height, pass.out_width) = (min(rowsPerBand, g.outputHeight - row), g.outputWidth)
            pass.channel_step = g.outputHeight * g.outputWidth
            pass.target = y + image * outputs * pass.channel_step + row * g.outputWidth
            pass.bias = epilogue.from(channel: group * outputs).bias
            pass.activation = epilogue.activation.rawValue
            offsets.withUnsafeBufferPointer {
              pass.offsets = $0.baseAddress
              convolution.convolve_channels(&pass)
            }
          }
        }
      }
    }
  }

  private func pad(_ source: UnsafePointer<Float>, firstRow: Int, _ planes: UnsafeMutablePointer<Float>) {
    let g = geometry
    var padding = tern_conv_planes(
      image: source, channels: g.inputChannelsPerGroup, height: g.inputHeight, width: g.inputWidth, row_stride: 1,
      column_stride: 1, pad_top: g.padTop - firstRow * g.strideHeight, pad_left: g.padLeft,
      plane_height: planeHeight, plane_width: pitch, planes: planes)
    convolution.pad(&padding)
  }

  /// Where each product's input stands relative to the one at the output's corner, in the order of the weights.
  private var offsets: [Int32] {
    let g = geometry
    let taps = g.kernelHeight * g.kernelWidth
    return (0..<g.inputChannelsPerGroup * taps).map { index in
      let (channel, tap) = (index / taps, index % taps)
      let (row, column) = (tap / g.kernelWidth * g.dilationHeight, tap % g.kernelWidth * g.dilationWidth)
      return Int32((channel * planeHeight + row) * pitch + column)
    }
  }
}
