// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

/// Poolings of sequences and volumes; those of planes are in `NetworkOpTests` and `AdaptivePoolingTests`.
@Suite struct VolumePoolingTests {
  static let reference = VolumeReference(
    input: [5, 4, 6], kernel: [3, 2, 3], stride: [2, 1, 2], dilation: [1, 1, 1], padding: [(1, 1), (1, 1), (0, 0)])

  /// The values of each window of `[N * C]` volumes.
  private func windows(_ x: [Double], _ reference: VolumeReference) -> [[Double]] {
    let (plane, taps) = (reference.input.reduce(1, *), reference.taps)
    return (0..<x.count / plane).flatMap { volume in
      taps.map { $0.compactMap { $0.map { x[volume * plane + $0] } } }
    }
  }

  @Test(arguments: Device.all) func boxesArePooled(_ device: Device) throws {
    // Few different values, so that maxima tie; in memory in another order.
    let order = sample([6 * 4 * 5 * 3 * 2], scale: 3).map { $0.rounded() }
    let x = Tensor(order, shape: [6, 4, 5, 3, 2], on: device).transposed([4, 3, 2, 1, 0])
    let windows = windows(try x.scalars(as: Double.self), Self.reference)
    let (window, stride, padding) = (Triple(3, 2, 3), Triple(2, 1, 2), Triple(1, 1, 0))
    let largest = maxPool3d(x, window: window, stride: stride, padding: padding)
    #expect(largest.shape == [2, 3] + Self.reference.output)
    try expectClose(largest, windows.map { $0.max()! })
    try expectClose(
      averagePool3d(x, window: window, stride: stride, padding: padding), windows.map { $0.reduce(0, +) / 18 })
    try expectClose(
      averagePool3d(x, window: window, stride: stride, padding: padding, countsPadding: false),
      windows.map { $0.reduce(0, +) / Double($0.count) })
    try expectClose(
      averagePool3d(x, window: window, stride: stride, padding: padding, divisor: 7),
      windows.map { $0.reduce(0, +) / 7 })
  }

  @Test(arguments: Device.all) func theFirstMaximumOfABoxGetsTheGradient(_ device: Device) throws {
    let x = Tensor([1 as Float, 5, 5, 0, 5, 2, 3, 4], shape: [1, 1, 2, 2, 2], on: device)
    try expectClose(gradient(at: x) { maxPool3d($0, window: 2).sum() }, [0, 1, 0, 0, 0, 0, 0, 0])
    let late = Tensor([-1 as Float, -2, -3, -4, -1, 7, .nan, 7], shape: [1, 1, 2, 2, 2], on: device)
    try expectClose(maxPool3d(late, window: 2), [.nan])
    try expectClose(maxPool3d(x, window: Triple(1, 2, 1), stride: 1, dilation: Triple(1, 1, 2)), [5, 5, 5, 4])
  }

  /// Taps before and behind four elements.
  @Test(arguments: Device.all) func aDilatedWindowMayStepOverEverything(_ device: Device) throws {
    let x = Tensor([1 as Float, 2, 3, 4], shape: [1, 1, 4], on: device)
    let pool = { maxPool1d($0, window: 2, stride: 1, padding: 1, dilation: 5) }
    try expectClose(pool(x), [-.infinity])
    try expectClose(gradient(at: x) { pool($0).sum() }, [0, 0, 0, 0])
  }

  @Test(arguments: Device.all) func gradientsAreThoseOfDifferences(_ device: Device) throws {
    // Values at least 0.02 apart, so that a step does not change which one is largest.
    let order = (0..<48).map { Float($0 * 37 % 48) * 0.05 }
    let x = Tensor(order, shape: [1, 1, 4, 3, 4], on: device)
    try expectGradients([x]) {
      maxPool3d($0[0], window: Triple(3, 2, 2), stride: 2, padding: Triple(1, 0, 1), roundsUp: true)
    }
    try expectGradients([x]) { averagePool3d($0[0], window: 2, stride: Triple(2, 1, 2), padding: 1, divisor: 5) }
    try expectGradients([x]) { adaptiveAveragePool3d($0[0], outputSize: Triple(3, 2, 3)) }
    try expectGradients([x]) { adaptiveMaxPool3d($0[0], outputSize: Triple(3, 2, 3)) }
    try expectGradients([x], tolerance: 6e-3, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) { pow(averagePool3d($0, window: 2), 3).sum() * 0.1 }
    }
    let row = x.reshaped(to: [2, 2, 12])
    try expectGradients([row]) { averagePool1d($0[0], window: 4, stride: 3, padding: 2, countsPadding: false) }
    try expectGradients([row]) { maxPool1d($0[0], window: 3, stride: 2, padding: 1, dilation: 2) }
  }

  @Test(arguments: Device.all) func windowsCoverSequencesAndVolumesEvenly(_ device: Device) throws {
    let row = Tensor((1...5).map(Float.init), shape: [1, 1, 5], on: device)
    try expectClose(adaptiveAveragePool1d(row, outputSize: 3), [1.5, 3, 4.5])
    try expectClose(adaptiveMaxPool1d(row, outputSize: 2), [3, 5])
    let x = sampleTensor([2, 1, 3, 2, 4], on: device)
    try expectClose(
      adaptiveAveragePool3d(x, outputSize: 1), try x.mean(along: [2, 3, 4]).scalars(as: Double.self))
    let halves = adaptiveMaxPool3d(x, outputSize: Triple(2, 1, 1))
    let parts = [x[.all, .all, 0..<2], x[.all, .all, 1..<3]].map { $0.max(along: [2, 3, 4]) }
    try expectClose(halves, try stacked(parts, along: 2).scalars(as: Double.self))
  }

  @Test(arguments: Device.all) func meansOfHalfTypesAreRoundedOnce(_ device: Device) throws {
    let x = (sampleTensor([1, 2, 6, 6, 6], on: device) + 1).cast(to: .bfloat16)
    let expected = averagePool3d(x.cast(to: .float32), window: 3).cast(to: .bfloat16)
    let pooled = averagePool3d(x, window: 3)
    #expect(pooled.dtype == .bfloat16)
    try expectClose(pooled, try expected.scalars(as: Double.self), relative: 0, absolute: 0)
  }
}
