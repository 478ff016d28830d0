// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct LocalNormalizationTests {
  /// The definition, for `[N, channels, positions]`.
  private func responseNorm(
    _ x: [Double], _ shape: [Int], size: Int, alpha: Double, beta: Double, k: Double
  ) -> [Double] {
    let (channels, positions) = (shape[1], shape[2])
    return x.indices.map { index in
      let (sample, channel) = (index / (channels * positions), index / positions % channels)
      let window = max(0, channel - size / 2)...min(channels - 1, channel + (size - 1) / 2)
      let squares = window.reduce(0) { sum, other in
        let value = x[(sample * channels + other) * positions + index % positions]
        return sum + value * value
      }
      return x[index] / pow(k + alpha / Double(size) * squares, beta)
    }
  }

  @Test(arguments: Device.all) func responsesAreDividedByTheirNeighbours(_ device: Device) throws {
    for (shape, size, alpha, beta, k) in [
      ([2, 7, 3], 5, 0.5, 0.75, 1.0), ([1, 6, 31], 4, 0.3, 1, 2), ([2, 2, 3], 5, 0.9, 0.5, 1),
      ([3, 4, 1], 1, 1, 2, 0.5),
    ] {
      let x = sampleTensor([shape[2], shape[0], shape[1]], scale: 2, on: device).transposed([1, 2, 0])
      func norm(_ x: Tensor) -> Tensor {
        localResponseNorm(x, size: size, alpha: Float(alpha), beta: Float(beta), k: Float(k))
      }
      let wanted = responseNorm(
        try x.scalars(as: Double.self), shape, size: size, alpha: alpha, beta: beta, k: k)
      try expectClose(norm(x), wanted, absolute: 2e-6, "\(shape)")
      let image = x.reshaped(to: shape.dropLast() + [1, shape[2]])
      try expectClose(norm(image), wanted, absolute: 2e-6, "\(shape) as images")
      try expectGradients([x], tolerance: 5e-3, "\(shape)") { norm($0[0]) }
    }
    // Squares that float16 has no number for.
    let large = Tensor([300, 4], shape: [1, 2], on: device).cast(to: .float16)
    let found = localResponseNorm(large, size: 2, alpha: 2, beta: 0.5, k: 0).cast(to: .float32)
    try expectClose(found, [1, 4 / (90_016.0).squareRoot()], relative: 2e-3)
    #expect(localResponseNorm(Tensor.ones([0, 3, 2], on: device), size: 3).shape == [0, 3, 2])
  }

  @Test(arguments: Device.all) func vectorsGetLengthOne(_ device: Device) throws {
    let x = sampleTensor([5, 3, 4], on: device)
    for axis in [0, -2, 2] {
      let y = l2Normalized(x, axis: axis)
      let lengths = sqrt(square(y).sum(along: axis))
      try expectClose(lengths, [Double](repeating: 1, count: lengths.count))
      try expectClose(y * sqrt(square(x).sum(along: axis, keepingDimensions: true)), try x.scalars(as: Double.self))
      try expectGradients([x], "\(axis)") { l2Normalized($0[0], axis: axis) }
    }
    // Short vectors are divided by epsilon; 0 stays 0 and has a gradient.
    let short = Tensor([0, 0, 0.3, 0.4], shape: [2, 2], on: device)
    try expectClose(l2Normalized(short, epsilon: 2), [0, 0, 0.15, 0.2])
    let slope = gradient(at: short) { l2Normalized($0).sum() }
    #expect(try slope.scalars(as: Float.self).allSatisfy(\.isFinite))
    let half = (short * 1000).cast(to: .float16)
    try expectClose(l2Normalized(half, axis: 1).cast(to: .float32), [0, 0, 0.6, 0.8], relative: 1e-3)
    #expect(l2Normalized(Tensor.ones([0, 3], on: device)).shape == [0, 3])
  }

  @Test(arguments: Device.all) func normsHaveSecondDerivatives(_ device: Device) throws {
    let x = sampleTensor([2, 3, 2], shift: 1.5, on: device)
    try expectGradients([x], tolerance: 1e-2) { inputs in
      let first = gradient(at: inputs[0], createGraph: true) { pow(l2Normalized($0, axis: 1), 3).sum() }
      return square(first).sum()
    }
    try expectGradients([x], tolerance: 1e-2) { inputs in
      let first = gradient(at: inputs[0], createGraph: true) {
        pow(localResponseNorm($0, size: 3, alpha: 0.5), 3).sum()
      }
      return square(first).sum() * 0.1
    }
  }
}
