// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

/// What changes the size of images: interpolation, columns, pixel shuffles, grids.
@Suite struct ResizingTests {
  // MARK: Interpolation

  @Test(arguments: Device.all) func nearestElementsAreCopied(_ device: Device) throws {
    let x = Tensor([1 as Float, 2, .infinity, 4], shape: [1, 1, 4], on: device)
    try expectClose(interpolate(x, size: [6]), [1, 1, 2, .infinity, .infinity, 4])
    try expectClose(interpolate(x, size: [6], mode: .nearestCenter), [1, 2, 2, .infinity, 4, 4])
    try expectClose(interpolate(x, scale: [0.5]), [1, .infinity])
    try expectClose(
      gradient(at: x) { (interpolate($0, size: [6]) * Tensor.range(0..<6, on: device).cast(to: .float32)).sum() },
      [1, 2, 7, 5])
  }

  /// Positions that are whole, though a rounded quotient of the sizes times an index falls below them.
  @Test func wholePositionsStayWhole() throws {
    for (inputs, outputs) in [(2, 98), (3, 147), (11, 253)] {
      let x = Tensor((0..<inputs).map(Float.init), shape: [1, 1, inputs], on: .cpu)
      let expected = (0..<outputs).map { Double($0 * inputs / outputs) }
      try expectClose(interpolate(x, size: [outputs]), expected)
    }
    try expectClose(
      interpolate(Tensor([0 as Float, 1], shape: [1, 1, 2], on: .cpu), scale: [49]), (0..<98).map { Double($0 / 49) })
  }

  /// Straight lines and, away from the edges, parabolas are reproduced.
  @Test(arguments: Device.all) func polynomialsAreReproduced(_ device: Device) throws {
    let (n, m) = (9, 14)
    func line(_ f: (Double) -> Double) -> Tensor {
      Tensor((0..<n).map { Float(f(Double($0))) }, shape: [1, 1, n], on: device)
    }
    let aligned = (0..<m).map { Double($0) * Double(n - 1) / Double(m - 1) }
    try expectClose(
      interpolate(line { 3 * $0 - 1 }, size: [m], mode: .linear, alignsCorners: true), aligned.map { 3 * $0 - 1 })
    let centers = (0..<m).map { (Double($0) + 0.5) * Double(n) / Double(m) - 0.5 }
    try expectClose(
      interpolate(line { $0 }, size: [m], mode: .linear), centers.map { min(max($0, 0), Double(n - 1)) },
      absolute: 1e-5)
    let cubic = try interpolate(line { $0 }, size: [m], mode: .cubic).scalars(as: Double.self)
    for (got, position) in zip(cubic, centers) where position >= 1 && position <= Double(n - 2) {
      #expect(Swift.abs(got - position) < 0.2)
    }
    #expect(interpolate(line { $0 }, size: [1], mode: .linear, alignsCorners: true).shape == [1, 1, 1])
  }

  @Test(arguments: Device.all) func axesAreInterpolatedOneByOne(_ device: Device) throws {
    let x = sampleTensor([5, 4, 3, 2, 2], on: device).transposed([4, 3, 2, 1, 0])
    let size = [5, 4, 8]
    for mode in Interpolation.allCases {
      // Each axis alone, as the last one of a sequence.
      var expected = x
      for axis in 2..<5 {
        let last = expected.swappedAxes(axis, 4)
        let lines = last.reshaped(to: [1, last.count / last.shape[4], last.shape[4]])
        expected = interpolate(lines, size: [size[axis - 2]], mode: mode)
          .reshaped(to: Array(last.shape[..<4]) + [size[axis - 2]]).swappedAxes(axis, 4)
      }
      let y = interpolate(x, size: size, mode: mode)
      #expect(y.shape == [2, 2] + size)
      try expectClose(y, try expected.scalars(as: Double.self), absolute: 3e-6, "\(mode)")
    }
    // The factor stands in the formula, not the rounded size: 3 * 1.5 is 4.
    let row = Tensor([0 as Float, 3, 6], shape: [1, 1, 3], on: device)
    try expectClose(interpolate(row, scale: [1.5], mode: .linear), [0, 1.5, 3.5, 5.5], absolute: 1e-5)
  }

  @Test(arguments: Device.all) func interpolationHasGradients(_ device: Device) throws {
    let x = sampleTensor([1, 2, 3, 4], on: device)
    try expectGradients([x]) { interpolate($0[0], size: [5, 3], mode: .cubic) }
    try expectGradients([x.reshaped(to: [1, 2, 2, 2, 3])]) {
      interpolate($0[0], size: [3, 5, 2], mode: .linear, alignsCorners: true)
    }
    try expectGradients([x], tolerance: 1e-2, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) {
        pow(interpolate($0, scale: [2, 1.5], mode: .linear) + 2, 3).sum() * 0.05
      }
    }
    let half = interpolate(x.cast(to: .float16), size: [6, 8], mode: .linear)
    #expect(half.dtype == .float16)
    try expectClose(
      half, try interpolate(x, size: [6, 8], mode: .linear).scalars(as: Double.self), relative: 2e-3, absolute: 1e-3)
  }

  // MARK: Columns and channels

  @Test(arguments: Device.all) func columnsAddUpToImages(_ device: Device) throws {
    let x = sampleTensor([6, 5, 3, 2], on: device).transposed([3, 2, 1, 0])
    let (window, stride, padding) = (Pair(3, 2), Pair(2, 1), Pair(1, 0))
    let columns = unfold(x, window: window, stride: stride, padding: padding)
    #expect(columns.shape == [2, 18, 15])
    // The product with weights is the convolution.
    let w = sampleTensor([4, 3, 3, 2], phase: 1, on: device)
    let product = matmul(w.reshaped(to: [4, 18]), columns)
    let y = conv2d(x, w, stride: stride, padding: .symmetric(padding))
    try expectClose(product, try y.scalars(as: Double.self), relative: 1e-5, absolute: 1e-5)
    // What each position is worth: as often as windows hold it.
    let ones = Tensor.ones(x.shape, on: device)
    let counts = fold(
      unfold(ones, window: window, stride: stride, padding: padding), outputSize: Pair(5, 6), window: window,
      stride: stride, padding: padding)
    let sums = fold(columns, outputSize: Pair(5, 6), window: window, stride: stride, padding: padding)
    try expectClose(sums, try (x * counts).scalars(as: Double.self))
    let small = sampleTensor([1, 1, 3, 4], on: device)
    try expectGradients([small]) { unfold($0[0], window: 2, stride: Pair(1, 2), padding: 1) }
    try expectGradients([unfold(small, window: 2, dilation: Pair(1, 2))]) {
      fold($0[0], outputSize: Pair(3, 4), window: 2, dilation: Pair(1, 2))
    }
  }

  @Test func pixelsAndChannelsChangePlaces() throws {
    let x = Tensor((0..<16).map(Float.init), shape: [1, 8, 1, 2], on: .cpu)
    let y = pixelShuffle(x, factor: 2)
    try expectClose(y, [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15])
    #expect(y.shape == [1, 2, 2, 4])
    try expectClose(pixelUnshuffle(y, factor: 2), (0..<16).map(Double.init))
    try expectGradients([sampleTensor([1, 4, 1, 2])]) { pixelShuffle($0[0], factor: 2) }
  }

  // MARK: Grids

  @Test(arguments: Device.all) func aGridOfCentersIsTheImage(_ device: Device) throws {
    let x = sampleTensor([5, 4, 3, 2], on: device).transposed([3, 2, 1, 0])
    for mode in GridInterpolation.allCases {
      for aligns in [false, true] {
        func centers(_ size: Int) -> [Float] {
          (0..<size).map { aligns ? 2 * Float($0) / Float(size - 1) - 1 : (2 * Float($0) + 1) / Float(size) - 1 }
        }
        let points = (0..<2).flatMap { _ in centers(4).flatMap { y in centers(5).flatMap { [$0, y] } } }
        let grid = Tensor(points, shape: [2, 4, 5, 2], on: device)
        try expectClose(
          gridSample(x, grid, mode: mode, alignsCorners: aligns), try x.scalars(as: Double.self), absolute: 3e-6,
          "\(mode)")
      }
    }
  }

  @Test(arguments: Device.all) func gridsHaveGradients(_ device: Device) throws {
    let x = sampleTensor([1, 2, 3, 4], on: device)
    // Away from the bends between elements by more than the step.
    let grid = Tensor(
      [-0.61, 0.3, 0.12, -0.2, 0.87, 0.55, -1.3, 0.1, 0.15, -0.25] as [Float], shape: [1, 1, 5, 2], on: device)
    for padding in GridPadding.allCases {
      try expectGradients([x, grid], tolerance: 6e-3, "\(padding)") { gridSample($0[0], $0[1], padding: padding) }
    }
    try expectGradients([x, grid], tolerance: 6e-3) { gridSample($0[0], $0[1], mode: .bicubic, padding: .reflection) }
  }

  @Test(arguments: Device.all) func pointsInfinitelyFarAwayHaveNoGradient(_ device: Device) throws {
    let x = sampleTensor([1, 2, 3, 4], on: device)
    let grid = Tensor([0 as Float, .infinity], shape: [1, 1, 1, 2], on: device)
    try expectClose(gradient(at: grid) { gridSample(x, $0).sum() }, [0, 0])
  }

  // MARK: Nothing

  @Test(arguments: Device.all) func batchesOfNothingGiveNothing(_ device: Device) throws {
    func nothing(_ shape: Int...) -> Tensor { Tensor.zeros([0] + shape, on: device) }
    let weight = sampleTensor([2, 2, 2, 2, 2], on: device)
    let functions: [(Tensor, [Int], (Tensor) -> Tensor)] = [
      (nothing(2, 3, 3, 3), [0, 2, 2, 2, 2], { conv3d($0, weight) }),
      (nothing(2, 3, 3, 3), [0, 2, 4, 4, 4], { convTranspose3d($0, weight) }),
      (nothing(2, 5), [0, 2, 4], { conv1d($0, weight[0, 0]) }),
      (nothing(2, 4, 4, 4), [0, 2, 2, 2, 2], { maxPool3d($0, window: 2) }),
      (nothing(2, 2, 2), [0, 8, 3], { unfold($0, window: 2, padding: Pair(1, 0)) }),
      (nothing(2, 4, 4), [0, 2, 3, 5], { interpolate($0, size: [3, 5], mode: .linear) }),
      (nothing(2, 4, 4), [0, 2, 3, 5], { gridSample($0, nothing(3, 5, 2)) }),
    ]
    for (x, shape, function) in functions {
      #expect(function(x).shape == shape)
      #expect(try gradient(at: x) { function($0).sum() }.scalars(as: Float.self).isEmpty)
    }
    // Images without points to be read at.
    let image = sampleTensor([1, 1, 2, 2], on: device)
    let points = Tensor.zeros([1, 0, 3, 2], on: device)
    try expectClose(gradient(at: image) { gridSample($0, points).sum() }, [0, 0, 0, 0])
    let gradients = valueAndGradients(at: [weight]) { conv3d(nothing(2, 3, 3, 3), $0[0]).sum() }.gradients
    try expectClose(gradients[0], [Double](repeating: 0, count: 32))
  }

  @Test func wrongSizesTrap() async {
    await #expect(processExitsWith: .failure) { _ = interpolate(Tensor.zeros([1, 1, 4], on: .cpu), size: [2, 2]) }
    await #expect(processExitsWith: .failure) {
      _ = fold(Tensor.zeros([1, 4, 8], on: .cpu), outputSize: 4, window: 2)
    }
  }
}
