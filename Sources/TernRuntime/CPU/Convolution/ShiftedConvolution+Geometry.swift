// SPDX-License-Identifier: MIT

extension ShiftedConvolution {
  /// `y = conv(x, w)`: output `h` reads input row `h * stride + kh * dilation - padTop`, which is row
  /// `h + kh * dilation / stride` of the plane of phase `kh * dilation % stride`.
  init(forward geometry: ConvolutionGeometry, _ weights: UnsafePointer<Float>) {
    let g = geometry
    let kernel = g.kernelHeight * g.kernelWidth
    let taps = (0..<kernel).map { tap in
      let row = tap / g.kernelWidth * g.dilationHeight
      let column = tap % g.kernelWidth * g.dilationWidth
      return Tap(
        weight: tap, phase: row % g.strideHeight * g.strideWidth + column % g.strideWidth, row: row / g.strideHeight,
        column: column / g.strideWidth)
    }
    self.init(
      batch: g.batch, groups: g.groups, sourceChannels: g.inputChannelsPerGroup,
      targetChannels: g.outputChannelsPerGroup, sourceHeight: g.inputHeight, sourceWidth: g.inputWidth,
      targetPlane: g.outputHeight * g.outputWidth, strideHeight: g.strideHeight, strideWidth: g.strideWidth,
      padTop: g.padTop, padLeft: g.padLeft,
      passes: [
        Pass(
          outputHeight: g.outputHeight, outputWidth: g.outputWidth, targetOffset: 0, rowStep: g.outputWidth,
          columnStep: 1, taps: taps)
      ],
      weights: weights, targetWeightStep: g.inputChannelsPerGroup * kernel, sourceWeightStep: kernel,
      groupWeightStep: g.outputChannelsPerGroup * g.inputChannelsPerGroup * kernel)
  }

  /// `dx`: input row `h` is read by output row `oh` through tap `kh` if `oh * stride + kh * dilation - padTop == h`.
  /// For the rows `h = first + i * stride` of one class that is `oh = i + (first + padTop - kh * dilation) / stride`
  /// for all taps for which the division is exact.
  init(inputGradient geometry: ConvolutionGeometry, _ weights: UnsafePointer<Float>) {
    let g = geometry
    let kernel = g.kernelHeight * g.kernelWidth
    let rows = Reach.classes(kernel: g.kernelHeight, stride: g.strideHeight, dilation: g.dilationHeight, pad: g.padTop)
    let columns = Reach.classes(kernel: g.kernelWidth, stride: g.strideWidth, dilation: g.dilationWidth, pad: g.padLeft)
    // Padding that makes all distances count from 0.
    let top = rows.joined().reduce(0) { max($0, -$1.distance) }
    let left = columns.joined().reduce(0) { max($0, -$1.distance) }
    var passes: [Pass] = []
    for (firstRow, rowTaps) in rows.enumerated() where firstRow < g.inputHeight {
      for (firstColumn, columnTaps) in columns.enumerated() where firstColumn < g.inputWidth {
        let taps = rowTaps.flatMap { row in
          columnTaps.map { column in
            Tap(
              weight: row.tap * g.kernelWidth + column.tap, phase: 0, row: row.distance + top,
              column: column.distance + left)
          }
        }
        passes.append(
          Pass(
            outputHeight: (g.inputHeight - firstRow + g.strideHeight - 1) / g.strideHeight,
            outputWidth: (g.inputWidth - firstColumn + g.strideWidth - 1) / g.strideWidth,
            targetOffset: firstRow * g.inputWidth + firstColumn, rowStep: g.strideHeight * g.inputWidth,
            columnStep: g.strideWidth, taps: taps))
      }
    }
    self.init(
      batch: g.batch, groups: g.groups, sourceChannels: g.outputChannelsPerGroup,
      targetChannels: g.inputChannelsPerGroup, sourceHeight: g.outputHeight, sourceWidth: g.outputWidth,
      targetPlane: g.inputHeight * g.inputWidth, strideHeight: 1, strideWidth: 1, padTop: top, padLeft: left,
      passes: passes, weights: weights, targetWeightStep: kernel,
      sourceWeightStep: g.inputChannelsPerGroup * kernel,
      groupWeightStep: g.outputChannelsPerGroup * g.inputChannelsPerGroup * kernel)
  }
}

/// A tap that reaches a class of input positions along one axis, and the output it comes from, relative to the
/// position's number within the class.
private struct Reach {
  let tap: Int
  let distance: Int

  /// The taps of each of the `stride` classes.
  static func classes(kernel: Int, stride: Int, dilation: Int, pad: Int) -> [[Reach]] {
    (0..<stride).map { first in
      (0..<kernel).compactMap { tap in
        let distance = first + pad - tap * dilation
        return distance % stride == 0 ? Reach(tap: tap, distance: distance / stride) : nil
      }
    }
  }
}
