// SPDX-License-Identifier: MIT
import CTernCPU

/// A convolution as a sum over shifted copies of its input: every output row of every channel is the sum of input rows,
/// each shifted by a tap's distance and scaled by its weight.
///
/// The input is first copied into zero-padded planes, one for each phase of the stride, so that all shifts are plain
/// distances in memory, and no column matrix is made. The gradient with respect to the input is the same computation:
/// its rows and columns fall into `stride * stride` classes, each of which is a convolution of `dy` with those taps
/// that reach it. Bands of output rows keep the planes in the second-level cache and give work to several threads.
struct ShiftedConvolution {
  /// Outputs that see the same taps: all of them forward, one class of the stride backward.
  struct Pass {
    let outputHeight: Int, outputWidth: Int
    /// Where the outputs stand in their image's plane.
    let targetOffset: Int, rowStep: Int, columnStep: Int
    /// For each tap its position in the weights, the plane (phase) it reads and the distance of its row and column.
    let taps: [Tap]
  }

  struct Tap {
    let weight: Int
    let phase: Int
    let row: Int, column: Int
  }

  let batch: Int, groups: Int
  /// Channels in each group of what is read and of what is written.
  let sourceChannels: Int, targetChannels: Int
  let sourceHeight: Int, sourceWidth: Int
  let targetPlane: Int
  let strideHeight: Int, strideWidth: Int
  let padTop: Int, padLeft: Int
  let passes: [Pass]
  let weights: UnsafePointer<Float>
  /// Floats between the weights of neighbouring target and source channels, and of neighbouring groups.
  let targetWeightStep: Int, sourceWeightStep: Int, groupWeightStep: Int

  /// Floats of planes that stay in the second-level cache beside the weights: 512 KiB.
  private static let planeBudget = 128 * 1024

  private var height: Int { passes.reduce(0) { max($0, $1.outputHeight) } }
  private var maximumRow: Int { passes.reduce(0) { $1.taps.reduce($0) { max($0, $1.row) } } }
  private var maximumColumn: Int { passes.reduce(0) { $1.taps.reduce($0) { max($0, $1.column) } } }

  /// How an image is cut into bands of output rows, and where its planes lie.
  private struct Bands {
    let rows: Int, count: Int
    let planeHeight: Int, pitch: Int
    let planeFloats: Int
  }

  private func bands() -> Bands {
    let phases = strideHeight * strideWidth
    let pitch = passes.reduce(0) { max($0, $1.outputWidth) } + maximumColumn
    let perRow = sourceChannels * phases * pitch
    let fitting = max(1, Self.planeBudget / max(1, perRow) - maximumRow)
    // Few images leave threads without work unless their rows are shared out.
    let wanted = batch * groups >= 16 ? 1 : min(height, 16 / (batch * groups))
    let count = max((height + fitting - 1) / fitting, wanted)
    let rows = (height + count - 1) / count
    let planeHeight = rows + maximumRow
    return Bands(
      rows: rows, count: (height + rows - 1) / rows, planeHeight: planeHeight, pitch: pitch,
      planeFloats: sourceChannels * phases * planeHeight * pitch)
  }

  func run(
    _ threads: ThreadPool, _ isa: tern_isa, _ source: UnsafePointer<Float>, _ epilogue: ConvolutionEpilogue,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let (convolution, gemm) = (tern_conv_functions_for(isa).pointee, tern_gemm_functions_for(isa).pointee)
    let bands = bands()
    let weightCount = passes.reduce(0) { $0 + $1.taps.count } * sourceChannels * targetChannels * groups
    let offsets = passes.map { self.offsets($0, bands) }
    ScratchPool.shared.withFloats(weightCount) { packed in
      packWeights(packed, convolution)
      let units = batch * groups * bands.count
      let perChannelPair = passes.reduce(0) { $0 + $1.taps.count * $1.outputHeight * $1.outputWidth }
      let work = batch * groups * perChannelPair * sourceChannels * targetChannels
      let chunks = max(1, min(units, 64, work / MatrixProduct.chunkWork))
      threads.run(chunks: chunks) { chunk in
        ScratchPool.shared.withFloats(bands.planeFloats + Int(TERN_CONV_SLACK)) { planes in
          for unit in units * chunk / chunks..<units * (chunk + 1) / chunks {
            let (image, band) = (unit / bands.count, unit % bands.count)
            pad(source, unit: image, firstRow: band * bands.rows, bands, planes, convolution)
            var first = packed + image % groups * (weightCount / groups)
            for (index, pass) in passes.enumerated() {
              self.run(
                pass, offsets[index], first, unit: image, firstRow: band * bands.rows, bands, planes,
                epilogue.from(channel: image % groups * targetChannels), target, convolution, gemm)
              first += pass.taps.count * sourceChannels * targetChannels
            }
          }
        }
      }
    }
  }

  /// Unit `n * groups + group` of the source, from output row `firstRow` on.
  private func pad(
    _ source: UnsafePointer<Float>, unit: Int, firstRow: Int, _ bands: Bands, _ planes: UnsafeMutablePointer<Float>,
    _ convolution: tern_conv_functions
  ) {
    var padding = tern_conv_planes(
      image: source + unit * sourceChannels * sourceHeight * sourceWidth, channels: sourceChannels,
      height: sourceHeight, width: sourceWidth, row_stride: strideHeight, column_stride: strideWidth,
      pad_top: padTop - firstRow * strideHeight, pad_left: padLeft, plane_height: bands.planeHeight,
      plane_width: bands.pitch, planes: planes)
    convolution.pad(&padding)
  }

  private func run(
    _ pass: Pass, _ offsets: [Int32], _ packed: UnsafeMutablePointer<Float>, unit: Int, firstRow: Int, _ bands: Bands,
    _ planes: UnsafeMutablePointer<Float>, _ epilogue: ConvolutionEpilogue, _ target: UnsafeMutablePointer<Float>,
    _ convolution: tern_conv_functions, _ gemm: tern_gemm_functions
  ) {
    let rows = min(bands.rows, pass.outputHeight - firstRow)
    if rows <= 0 { return }
    offsets.withUnsafeBufferPointer { offsets in
      // No tap reaches this class: zeros, and nothing is read.
      var none: Int32 = 0
      withUnsafePointer(to: &none) { none in
        var work = tern_conv_pass(
          channels: targetChannels, depth: offsets.count, weights: packed, offsets: offsets.baseAddress ?? none,
          source: planes, pitch: bands.pitch, out_height: rows, out_width: pass.outputWidth,
          target: target + unit * targetChannels * targetPlane + pass.targetOffset + firstRow * pass.rowStep,
          channel_step: targetPlane, row_step: pass.rowStep, column_step: pass.columnStep,
          bias: epilogue.bias, activation: epilogue.activation.rawValue)
        if packsPixels(work, gemm) { runPacked(&work, convolution, gemm) } else { convolution.convolve(&work) }
      }
    }
  }

  /// Whether closing the gaps between the rows of small images saves more vectors than copying the rows costs.
  private func packsPixels(_ pass: tern_conv_pass, _ gemm: tern_gemm_functions) -> Bool {
    if pass.column_step != 1 || pass.row_step != pass.out_width || pass.channels < 2 * Int(gemm.rows) { return false }
    let lanes = Int(gemm.columns) / 2
    func vectors(_ count: Int) -> Int { (count + lanes - 1) / lanes }
    let inPlace = min(
      vectors((pass.out_height - 1) * pass.pitch + pass.out_width), pass.out_height * vectors(pass.out_width))
    return vectors(pass.out_height * pass.out_width) * 17 < inPlace * 16
  }

  /// As a matrix product with panels of pixels, a few of them at a time.
  private func runPacked(
    _ pass: inout tern_conv_pass, _ convolution: tern_conv_functions, _ gemm: tern_gemm_functions
  ) {
    let width = Int(gemm.columns)
    let pixels = pass.out_height * pass.out_width
    let group = max(1, Self.planeBudget / (pass.depth * width)) * width
    ScratchPool.shared.withFloats(min(group, pixels + width) * pass.depth) { panels in
      for first in stride(from: 0, to: pixels, by: group) {
        let count = min(group, pixels - first)
        convolution.pack_pixels(&pass, first, count, panels)
        var block = tern_gemm_block()
        (block.m, block.n, block.k) = (pass.channels, count, pass.depth)
        (block.a, block.b) = (pass.weights, UnsafePointer(panels))
        (block.b_step, block.b_panel_step) = (width, width * pass.depth)
        (block.c, block.c_step) = (pass.target + first, pass.channel_step)
        block.row_bias = pass.bias
        block.activation = pass.activation
        gemm.multiply(&block)
      }
    }
  }

  /// Where each product's input row stands in the planes, in the order of the packed weights.
  private func offsets(_ pass: Pass, _ bands: Bands) -> [Int32] {
    let plane = bands.planeHeight * bands.pitch
    return (0..<sourceChannels).flatMap { channel in
      pass.taps.map { tap in
        Int32((channel * strideHeight * strideWidth + tap.phase) * plane + tap.row * bands.pitch + tap.column)
      }
    }
  }

  /// Panels for each group and pass, one after the other.
  private func packWeights(_ packed: UnsafeMutablePointer<Float>, _ convolution: tern_conv_functions) {
    var next = packed
    let passTaps = passes.map { pass in pass.taps.map { Int32($0.weight) } }
    for group in 0..<groups {
      for taps in passTaps {
        convolution.pack_weights(
          weights + group * groupWeightStep, targetChannels, targetWeightStep, sourceChannels, sourceWeightStep,
          taps.count, taps, next)
        next += taps.count * sourceChannels * targetChannels
      }
    }
  }
}
