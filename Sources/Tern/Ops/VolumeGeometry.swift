// SPDX-License-Identifier: MIT
import TernRuntime

/// A 3D convolution as one of 2D. The taps of a kernel along the depth become channels: for each slice of the output,
/// the slices of the input below its taps are copied side by side, and one convolution of planes sums over both.
///
///     columns[n * outD + d, c * kD + t] = x[n, c, d * stride + t * dilation - front]
///     y[n * outD + d] = conv2d(columns[n * outD + d], weight [O, C / groups * kD, kH, kW])
///
/// So every algorithm for planes serves volumes. The copy is `kD / stride` times the input, not `kD * kH * kW` times;
/// it is made and used part by part.
struct VolumeGeometry: Sendable {
  let batch, channels, inputDepth, outputDepth: Int
  private let kernelDepth, strideDepth, dilationDepth, front: Int
  let weightShape: [Int]
  /// The convolution of one slice.
  private let slice: ConvolutionGeometry
  private let stride, dilation: Triple
  private let around: (Int, Int, Int, Int)

  var inputShape: [Int] { [batch, channels, inputDepth, slice.inputHeight, slice.inputWidth] }
  /// Slices of the output one after the other, each with all of its channels.
  var outputShape: [Int] { [batch, outputDepth, slice.outputChannels, slice.outputHeight, slice.outputWidth] }

  /// - Parameter padding: before and behind depth, height and width.
  init(
    _ name: String, input: [Int], weight: [Int], stride: Triple, padding: [(Int, Int)], dilation: Triple, groups: Int
  ) {
    require(input.count == 5, "\(name): input must be [N, C, D, H, W], got \(input)")
    require(weight.count == 5, "\(name): weight must be [O, I/groups, kD, kH, kW], got \(weight)")
    require(
      groups >= 1 && input[1] == weight[1] * groups,
      "\(name): input \(input) has \(input[1]) channels, weight \(weight) with \(groups) group(s) takes "
        + "\(weight[1] * groups)")
    let depth = ConvolutionGeometry(
      name, input: [1, 1, input[2], 1], weight: [1, 1, weight[2], 1], stride: (stride.depth, 1),
      padding: (padding[0].0, padding[0].1, 0, 0), dilation: (dilation.depth, 1), groups: 1)
    around = (padding[1].0, padding[1].1, padding[2].0, padding[2].1)
    slice = ConvolutionGeometry(
      name, input: [1, input[1] * weight[2], input[3], input[4]],
      weight: [weight[0], weight[1] * weight[2], weight[3], weight[4]], stride: (stride.height, stride.width),
      padding: around, dilation: (dilation.height, dilation.width), groups: groups)
    (batch, channels, inputDepth, outputDepth) = (input[0], input[1], input[2], depth.outputHeight)
    (kernelDepth, strideDepth, dilationDepth) = (weight[2], stride.depth, dilation.depth)
    front = padding[0].0
    weightShape = weight
    (self.stride, self.dilation) = (stride, dilation)
  }

  // MARK: Parts

  /// Images and a range of slices; a range of part of a volume comes with a single image.
  struct Part {
    let images, slices: Range<Int>
  }

  /// Columns are made for so many bytes at a time, which caches and memory bear, and which keep all threads busy.
  @TaskLocal static var partBytes = 64 << 20

  /// The work by slices of the output.
  var outputParts: [Part] { parts(of: outputDepth, perSlice: 1) }
  /// The work by slices of the input. Slices of the output that reach into two parts are computed for both.
  var inputParts: [Part] { parts(of: inputDepth, perSlice: strideDepth) }

  private func parts(of depth: Int, perSlice: Int) -> [Part] {
    guard batch > 0, depth > 0 else { return [] }
    let bytes = max(1, slice.inputChannels * slice.inputHeight * slice.inputWidth) * 4
    let room = max(1, Self.partBytes / bytes) * perSlice
    if room >= depth {
      let images = min(batch, room / depth)
      return Swift.stride(from: 0, to: batch, by: images).map {
        Part(images: $0..<min(batch, $0 + images), slices: 0..<depth)
      }
    }
    return (0..<batch).flatMap { image in
      Swift.stride(from: 0, to: depth, by: room).map {
        Part(images: image..<image + 1, slices: $0..<min(depth, $0 + room))
      }
    }
  }

  /// The slices of the output that a part of the input's slices is read by.
  func outputs(reading part: Part) -> Part {
    if part.images.count > 1 { return Part(images: part.images, slices: 0..<outputDepth) }
    let first = part.slices.lowerBound + front - (kernelDepth - 1) * dilationDepth
    let last = (part.slices.upperBound - 1 + front) / strideDepth
    let low = min(outputDepth, first <= 0 ? 0 : (first + strideDepth - 1) / strideDepth)
    return Part(images: part.images, slices: low..<max(low, min(outputDepth, last + 1)))
  }

  // MARK: Views

  func planes(_ outputs: Part) -> ConvolutionGeometry {
    ConvolutionGeometry(
      "conv3d", input: columnShape(outputs), weight: flatWeightShape, stride: (stride.height, stride.width),
      padding: around, dilation: (dilation.height, dilation.width), groups: slice.groups)
  }

  var flatWeightShape: [Int] { slice.weightShape }

  func columnShape(_ outputs: Part) -> [Int] {
    [outputs.images.count * outputs.slices.count, slice.inputChannels, slice.inputHeight, slice.inputWidth]
  }

  /// How the windows of some slices of the input, planes `[D, H * W]`, become the columns of a part of the output.
  func unfolding(inputSlices: Range<Int>, to outputs: Part) -> UnfoldGeometry {
    UnfoldGeometry(
      planes: [outputs.images.count, channels, inputSlices.count, slice.inputHeight * slice.inputWidth],
      kernel: .init(kernelDepth, 1), stride: .init(strideDepth, 1), dilation: .init(dilationDepth, 1),
      top: front - outputs.slices.lowerBound * strideDepth + inputSlices.lowerBound, left: 0,
      output: .init(outputs.slices.count, slice.inputHeight * slice.inputWidth))
  }

  /// Columns `[images * slices, C * kD, H, W]` as windows `[images, C, kD, 1, slices, H * W]`.
  func windows(_ columns: StridedView, _ outputs: Part) -> StridedView {
    let plane = slice.inputHeight * slice.inputWidth
    let slab = slice.inputChannels * plane
    return columns.viewed(
      shape: [outputs.images.count, channels, kernelDepth, 1, outputs.slices.count, plane],
      strides: [outputs.slices.count * slab, kernelDepth * plane, plane, 0, slab, 1])
  }

  /// A part of volumes `[N, C, D, H, W]` whose rows follow one another, as planes `[images, C, slices, H * W]`.
  func volumes(_ x: StridedView, _ part: Part) -> StridedView {
    x.viewed(
      shape: [part.images.count, channels, part.slices.count, slice.inputHeight * slice.inputWidth],
      strides: [x.strides[0], x.strides[1], x.strides[2], slice.inputWidth == 1 ? x.strides[3] : x.strides[4]],
      offset: x.offset + part.images.lowerBound * x.strides[0] + part.slices.lowerBound * x.strides[2])
  }

  /// A part of dense outputs `[N, outD, O, outH, outW]`, as images `[images * slices, O, outH, outW]`.
  func outputs(_ y: StridedView, _ part: Part) -> StridedView {
    let size = elementCount(Array(slice.outputShape.dropFirst()))
    let shape = [part.images.count * part.slices.count] + slice.outputShape.dropFirst()
    return y.viewed(
      shape: shape, strides: contiguousStrides(shape),
      offset: y.offset + (part.images.lowerBound * outputDepth + part.slices.lowerBound) * size)
  }

  /// Dense weights as those of planes.
  func flatWeight(_ w: StridedView) -> StridedView {
    w.viewed(shape: flatWeightShape, strides: contiguousStrides(flatWeightShape))
  }
}
