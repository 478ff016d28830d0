// SPDX-License-Identifier: MIT
import CTernCPU

/// The gradient of a convolution with respect to its weights: for each output channel and tap the dot product of the
/// output's gradient with the input, shifted by the tap's distance.
///
///     dw[o, c, kh, kw] = sum over n, h, w of dy[n, o, h, w] * x[n, c, h * stride + kh * dilation - pad, …]
///
/// The input lies in padded planes as in `ShiftedConvolution`. Images are cut into parts whose sums are added in order,
/// and channels into ranges; both depend on the shape only, so the bits do not depend on the number of threads.
struct WeightGradient {
  /// The ways to sum.
  enum Algorithm {
    /// Few output channels: dot products along the rows of the planes in place; see `addDots`.
    case dots
    /// A matrix product of panels packed from `dy` and from the shifted planes; see `addProduct`.
    case product
  }

  let geometry: ConvolutionGeometry
  let convolution: tern_conv_functions
  let gemm: tern_gemm_functions
  let algorithm: Algorithm
  /// `x` and `dy` are read where they are: 1x1 without stride or padding.
  let inPlace: Bool
  /// Weights of one output channel.
  let depth: Int
  let pitch: Int, planeHeight: Int, rowsPerBand: Int
  private let parts: Int, ranges: Int

  init(_ geometry: ConvolutionGeometry, _ isa: tern_isa, inPlace: Bool) {
    let g = geometry
    self.geometry = g
    self.inPlace = inPlace
    convolution = tern_conv_functions_for(isa).pointee
    gemm = tern_gemm_functions_for(isa).pointee
    depth = g.inputChannelsPerGroup * g.kernelHeight * g.kernelWidth
    pitch = inPlace ? g.outputWidth : g.outputWidth + (g.kernelWidth - 1) * g.dilationWidth / g.strideWidth
    // Packing taps costs about as much as two rows of the product.
    algorithm = g.outputChannelsPerGroup >= 32 ? .product : .dots
    // A part has a copy of the gradient: many parts only where it is small.
    parts = max(1, min(g.batch, 16, (1 << 18) / (g.outputChannels * depth)))
    ranges = max(1, min((g.inputChannelsPerGroup + 31) / 32, 16 / (parts * g.groups)))
    let longest = algorithm == .dots ? Self.dotLength : Self.productDepth
    let bands = (g.outputHeight + max(1, longest / pitch) - 1) / max(1, longest / pitch)
    rowsPerBand = (g.outputHeight + bands - 1) / bands
    planeHeight = inPlace ? g.outputHeight : rowsPerBand + (g.kernelHeight - 1) * g.dilationHeight / g.strideHeight
  }

  /// Positions in one go: six rows of `dy` (21 KiB) stay in the first-level cache.
  static let dotLength = 896
  /// Pixels in one product: a panel of taps takes 128 KiB.
  static let productDepth = 1024
  /// Floats of planes that stay in the second-level cache: 512 KiB.
  private static let planeBudget = 128 * 1024

  func run(
    _ threads: ThreadPool, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>
  ) {
    let elements = geometry.outputChannels * depth
    let units = geometry.groups * ranges
    if parts == 1 {
      dw.update(repeating: 0, count: elements)
      threads.run(chunks: units) { unit in add(unit, images: 0..<geometry.batch, x, dy, dw) }
      return
    }
    ScratchPool.shared.withFloats(parts * elements) { partial in
      partial.update(repeating: 0, count: parts * elements)
      let chunks = min(64, parts * units)
      threads.run(chunks: chunks) { chunk in
        for index in parts * units * chunk / chunks..<parts * units * (chunk + 1) / chunks {
          let part = index / units
          let images = geometry.batch * part / parts..<geometry.batch * (part + 1) / parts
          add(index % units, images: images, x, dy, partial + part * elements)
        }
      }
      dw.update(from: partial, count: elements)
      for part in 1..<parts {
        let source = partial + part * elements
        for index in 0..<elements { dw[index] += source[index] }
      }
    }
  }

  /// The planes of some images' channels, from some output row on.
  struct Band {
    let images: Int
    /// Rows of the output.
    let rows: Int
    let source: UnsafePointer<Float>
    let sourceImageStep: Int
    /// The output's gradient where it stands.
    let dy: UnsafePointer<Float>
    let offsets: [Int32]
    let target: UnsafeMutablePointer<Float>
  }

  /// Adds the gradient of one range of one group's input channels from some images.
  private func add(
    _ unit: Int, images: Range<Int>, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ dw: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let (group, range) = (unit / ranges, unit % ranges)
    let perGroup = g.inputChannelsPerGroup
    let channels = perGroup * range / ranges..<perGroup * (range + 1) / ranges
    let offsets = offsets(channels: channels.count)
    let planes = channels.count * g.strideHeight * g.strideWidth * planeHeight * pitch
    let longest = algorithm == .dots ? Self.dotLength : Self.productDepth
    let together = max(1, min(images.count, longest / (rowsPerBand * pitch), Self.planeBudget / max(1, planes)))
    ScratchPool.shared.withFloats(inPlace ? 0 : together * planes) { scratch in
      for image in stride(from: images.lowerBound, to: images.upperBound, by: together) {
        for row in stride(from: 0, to: g.outputHeight, by: rowsPerBand) {
          let count = min(together, images.upperBound - image)
          let source = x + (image * g.inputChannels + group * perGroup + channels.lowerBound) * inputPlane
          if !inPlace {
            for index in 0..<count {
              pad(
                source + index * g.inputChannels * inputPlane, channels.count, firstRow: row,
                scratch + index * planes)
            }
          }
          let band = Band(
            images: count, rows: min(rowsPerBand, g.outputHeight - row),
            source: inPlace ? source + row * pitch : UnsafePointer(scratch),
            sourceImageStep: inPlace ? g.inputChannels * inputPlane : planes,
            dy: dy + (image * g.outputChannels + group * g.outputChannelsPerGroup) * outputPlane + row * g.outputWidth,
            offsets: offsets,
            target: dw + group * g.outputChannelsPerGroup * depth
              + channels.lowerBound * g.kernelHeight * g.kernelWidth)
          switch algorithm {
          case .dots: addDots(band)
          case .product: addProduct(band)
          }
        }
      }
    }
  }

  private var inputPlane: Int { geometry.inputHeight * geometry.inputWidth }
  var outputPlane: Int { geometry.outputHeight * geometry.outputWidth }

  /// The distances of the taps in the planes, channel by channel.
  private func offsets(channels: Int) -> [Int32] {
    let g = geometry
    let taps = g.kernelHeight * g.kernelWidth
    return (0..<channels * taps).map { index in
      let (channel, tap) = (index / taps, index % taps)
      let row = tap / g.kernelWidth * g.dilationHeight
      let column = tap % g.kernelWidth * g.dilationWidth
      let plane = (channel * g.strideHeight + row % g.strideHeight) * g.strideWidth + column % g.strideWidth
      return Int32((plane * planeHeight + row / g.strideHeight) * pitch + column / g.strideWidth)
    }
  }

  private func pad(
    _ source: UnsafePointer<Float>, _ channels: Int, firstRow: Int, _ planes: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    var padding = tern_conv_planes(
      image: source, channels: channels, height: g.inputHeight, width: g.inputWidth, row_stride: g.strideHeight,
      column_stride: g.strideWidth, pad_top: g.padTop - firstRow * g.strideHeight, pad_left: g.padLeft,
      plane_height: planeHeight, plane_width: pitch, planes: planes)
    convolution.pad(&padding)
  }
}
