// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

/// That the layers of sequences, volumes and sizes hand their settings on.
@Suite struct SpatialLayerTests {
  private func expectEqual(_ a: Tensor, _ b: Tensor, _ what: String = "") throws {
    #expect(a.shape == b.shape, "\(what)")
    #expect(try a.scalars(as: Float.self) == b.scalars(as: Float.self), "\(what)")
  }

  @Test func convolutionsHandTheirSettingsOn() throws {
    try withDevice(.cpu) {
      let row = sampleTensor([2, 4, 9])
      let line = Conv1D(
        4, 6, kernel: 3, stride: 2, padding: .explicit(start: 1, end: 2), dilation: 2, groups: 2, activation: .relu)
      try expectEqual(
        line(row),
        conv1d(
          row, line.weight.value, bias: line.bias!.value, stride: 2, padding: .explicit(start: 1, end: 2), dilation: 2,
          groups: 2, activation: .relu), "Conv1D")
      let volume = sampleTensor([1, 4, 4, 5, 3])
      let solid = Conv3D(
        4, 2, kernel: Triple(2, 3, 1), stride: Triple(1, 2, 1), padding: .symmetric(Triple(1, 0, 1)),
        dilation: Triple(2, 1, 1), groups: 2)
      #expect(solid.weight.shape == [2, 2, 2, 3, 1])
      try expectEqual(
        solid(volume),
        conv3d(
          volume, solid.weight.value, bias: solid.bias!.value, stride: Triple(1, 2, 1),
          padding: .symmetric(Triple(1, 0, 1)), dilation: Triple(2, 1, 1), groups: 2), "Conv3D")
    }
  }

  @Test func transposedConvolutionsHandTheirSettingsOn() throws {
    try withDevice(.cpu) {
      let row = sampleTensor([2, 4, 5])
      let line = ConvTranspose1D(4, 6, kernel: 3, stride: 2, padding: 1, outputPadding: 1, dilation: 2, groups: 2)
      #expect(line.weight.shape == [4, 3, 3] && line.bias!.shape == [6])
      try expectEqual(
        line(row),
        convTranspose1d(
          row, line.weight.value, bias: line.bias!.value, stride: 2, padding: 1, outputPadding: 1, dilation: 2,
          groups: 2), "1D")
      let image = sampleTensor([1, 2, 3, 4])
      let plane = ConvTranspose2D(
        2, 3, kernel: Pair(3, 2), stride: Pair(2, 3), padding: Pair(1, 0), outputPadding: Pair(1, 2))
      try expectEqual(
        plane(image),
        convTranspose2d(
          image, plane.weight.value, bias: plane.bias!.value, stride: Pair(2, 3), padding: Pair(1, 0),
          outputPadding: Pair(1, 2)), "2D")
      let volume = sampleTensor([1, 2, 2, 3, 2])
      let solid = ConvTranspose3D(2, 3, kernel: 2, stride: Triple(2, 1, 2), bias: false, activation: .tanh)
      #expect(solid.parameters().map(\.name) == ["weight"])
      try expectEqual(
        solid(volume),
        convTranspose3d(volume, solid.weight.value, stride: Triple(2, 1, 2), activation: .tanh), "3D")
    }
  }

  @Test func poolingsHandTheirSettingsOn() throws {
    let (row, volume) = (sampleTensor([2, 3, 11]), sampleTensor([1, 2, 5, 6, 7]))
    let pairs: [(any Layer, Tensor, Tensor)] = [
      (
        MaxPool1D(3, stride: 2, padding: 1, dilation: 2, roundsUp: true), row,
        maxPool1d(row, window: 3, stride: 2, padding: 1, dilation: 2, roundsUp: true)
      ),
      (
        AveragePool1D(3, padding: 1, countsPadding: false, divisor: 2, roundsUp: true), row,
        averagePool1d(row, window: 3, padding: 1, countsPadding: false, divisor: 2, roundsUp: true)
      ),
      (AdaptiveMaxPool1D(4), row, adaptiveMaxPool1d(row, outputSize: 4)),
      (AdaptiveAveragePool1D(4), row, adaptiveAveragePool1d(row, outputSize: 4)),
      (
        MaxPool3D(Triple(2, 3, 2), stride: 2, padding: Triple(1, 1, 0), dilation: 2, roundsUp: true), volume,
        maxPool3d(volume, window: Triple(2, 3, 2), stride: 2, padding: Triple(1, 1, 0), dilation: 2, roundsUp: true)
      ),
      (
        AveragePool3D(2, stride: Triple(1, 2, 2), padding: 1, countsPadding: false, roundsUp: true), volume,
        averagePool3d(volume, window: 2, stride: Triple(1, 2, 2), padding: 1, countsPadding: false, roundsUp: true)
      ),
      (AdaptiveMaxPool3D(Triple(2, 4, 3)), volume, adaptiveMaxPool3d(volume, outputSize: Triple(2, 4, 3))),
      (AdaptiveAveragePool3D(2), volume, adaptiveAveragePool3d(volume, outputSize: 2)),
    ]
    for (layer, x, expected) in pairs { try expectEqual(layer(x), expected, "\(layer)") }
    let image = volume.reshaped(to: [2, 5, 6, 7])
    try expectEqual(
      AveragePool2D(2, divisor: 3)(image), averagePool2d(image, window: 2, divisor: 3), "divisor")
  }

  @Test func sizesHandTheirSettingsOn() throws {
    let x = sampleTensor([2, 4, 6, 4])
    let columns = unfold(x, window: Pair(2, 3), stride: 2, padding: 1)
    let pairs: [(any Layer, Tensor, Tensor)] = [
      (
        Upsample(scale: [2, 1.5], mode: .linear, alignsCorners: true), x,
        interpolate(x, scale: [2, 1.5], mode: .linear, alignsCorners: true)
      ),
      (Upsample(size: [3, 9], mode: .cubic), x, interpolate(x, size: [3, 9], mode: .cubic)),
      (PixelShuffle(2), x, pixelShuffle(x, factor: 2)), (PixelUnshuffle(2), x, pixelUnshuffle(x, factor: 2)),
      (Unfold(Pair(2, 3), stride: 2, padding: 1), x, columns),
      (
        Fold(Pair(6, 4), window: Pair(2, 3), stride: 2, padding: 1), columns,
        fold(columns, outputSize: Pair(6, 4), window: Pair(2, 3), stride: 2, padding: 1)
      ),
    ]
    for (layer, x, expected) in pairs { try expectEqual(layer(x), expected, "\(layer)") }
  }
}
