// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct AdaptivePoolingTests {
  static let sizes: [Pair] = [1, Pair(7, 5), Pair(4, 3), Pair(1, 2), Pair(3, 1), Pair(9, 8)]

  /// Values of each window of a plane, by `floor(i * size / outputs) ..< ceil((i + 1) * size / outputs)`.
  private func windows(_ plane: ArraySlice<Double>, _ height: Int, _ width: Int, _ size: Pair) -> [[Double]] {
    func window(_ i: Int, _ extent: Int, _ outputs: Int) -> Range<Int> {
      let low = (Double(i) * Double(extent) / Double(outputs)).rounded(.down)
      let high = (Double(i + 1) * Double(extent) / Double(outputs)).rounded(.up)
      return Int(low)..<Int(high)
    }
    return (0..<size.height * size.width).map { output in
      window(output / size.width, height, size.height).flatMap { row in
        window(output % size.width, width, size.width).map { plane[plane.startIndex + row * width + $0] }
      }
    }
  }

  @Test(arguments: Device.all, sizes) func windowsCoverTheImage(_ device: Device, _ size: Pair) throws {
    let whole = sampleTensor([2, 3, 9, 7], on: device)
    for x in [whole, whole.transposed().swappedAxes(0, 1)[1..<3]] {
      let (height, width) = (x.shape[2], x.shape[3])
      let values = try x.scalars(as: Double.self)
      let planes = (0..<x.shape[0] * x.shape[1]).map { values[$0 * height * width..<($0 + 1) * height * width] }
      let windows = planes.flatMap { self.windows($0, height, width, size) }
      let mean = adaptiveAveragePool2d(x, outputSize: size)
      #expect(mean.shape == [x.shape[0], x.shape[1], size.height, size.width])
      try expectClose(mean, windows.map { $0.reduce(0, +) / Double($0.count) })
      try expectClose(adaptiveMaxPool2d(x, outputSize: size), windows.map { $0.max()! })
    }
  }

  @Test(arguments: Device.all, sizes) func gradientsAreThoseOfDifferences(_ device: Device, _ size: Pair) throws {
    // Values at least 0.02 apart, so that a step does not change which one is largest.
    let order = (0..<70).map { Float($0 * 37 % 70) * 0.05 }
    let x = Tensor(order, shape: [1, 2, 5, 7], on: device)
    try expectGradients([x]) { adaptiveMaxPool2d($0[0], outputSize: size) }
    try expectGradients([x]) { adaptiveAveragePool2d($0[0], outputSize: size) }
    try expectGradients([x], tolerance: 6e-3, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) { pow(adaptiveAveragePool2d($0, outputSize: size), 3).sum() * 0.1 }
    }
  }

  @Test(arguments: Device.all) func halfTypesAccumulateInFloat(_ device: Device) throws {
    let x = sampleTensor([1, 2, 31, 33], on: device).cast(to: .float16)
    let expected = adaptiveAveragePool2d(x.cast(to: .float32), outputSize: Pair(4, 5))
    let pooled = adaptiveAveragePool2d(x, outputSize: Pair(4, 5))
    #expect(pooled.dtype == .float16)
    try expectClose(pooled, try expected.scalars(as: Double.self), relative: 1e-3, absolute: 1e-4)
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = adaptiveAveragePool2d(Tensor.zeros([3, 4], on: .cpu), outputSize: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = adaptiveAveragePool2d(Tensor.zeros([1, 1, 4, 4], on: .cpu), outputSize: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = adaptiveMaxPool2d(Tensor.zeros([1, 1, 0, 4], on: .cpu), outputSize: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = adaptiveMaxPool2d(Tensor.zeros([1, 1, 4, 4], dtype: .int32, on: .cpu), outputSize: 2)
    }
  }
}
