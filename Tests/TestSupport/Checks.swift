// SPDX-License-Identifier: MIT
import Foundation
import Tern
import Testing

/// Expects every element within `absolute + relative * |expected|`; NaN and infinities must match exactly.
public func expectClose(
  _ actual: Tensor, _ expected: [Double], relative: Double = 1e-5, absolute: Double = 1e-6, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let values = try actual.scalars(as: Double.self)
  try #require(values.count == expected.count, "\(what) count", sourceLocation: sourceLocation)
  for (index, (value, wanted)) in zip(values, expected).enumerated() {
    let agrees =
      value == wanted || (value.isNaN && wanted.isNaN)
      || Swift.abs(value - wanted) <= absolute + relative * Swift.abs(wanted)
    if !agrees {
      Issue.record(
        "\(what) element \(index) on \(actual.device): got \(value), expected \(wanted)", sourceLocation: sourceLocation
      )
      return
    }
  }
}

/// Smooth, irregular numbers without a seed: neither symmetric nor equal to one another.
public func sample(_ shape: [Int], scale: Double = 1, shift: Double = 0, phase: Double = 0) -> [Float] {
  (0..<shape.reduce(1, *)).map { Float(scale * Foundation.sin(Double($0) * 1.7 + phase + 0.3) + shift) }
}

public func sampleTensor(
  _ shape: [Int], scale: Double = 1, shift: Double = 0, phase: Double = 0, on device: Device = .cpu
) -> Tensor {
  Tensor(sample(shape, scale: scale, shift: shift, phase: phase), shape: shape, on: device)
}
