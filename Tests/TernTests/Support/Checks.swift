// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

/// Compares gradients with double-sided differences of a random projection of `f`, element by element.
///
/// With a step of 1e-2 the truncation error is about `f''' * 2e-5` and the rounding error of Float32 about 1e-5, so
/// that `tolerance`, relative to the largest gradient or 1, is 3e-3 unless a test says otherwise.
func expectGradients(
  _ inputs: [Tensor], tolerance: Double = 3e-3, step: Float = 1e-2, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation, of f: ([Tensor]) -> Tensor
) throws {
  func projected(_ tensors: [Tensor]) -> Tensor {
    let y = f(tensors)
    let weights = Tensor(sample(y.shape, shift: 0.4, phase: 2), shape: y.shape, on: y.device)
    return (y * weights).sum()
  }
  let (_, gradients) = valueAndGradients(at: inputs, mode: .inference, projected)
  for (position, input) in inputs.enumerated() {
    let scalars = try input.scalars(as: Float.self)
    let numeric = try scalars.indices.map { index in
      let sides = try [step, -step].map { change in
        var moved = scalars
        moved[index] += change
        var tensors = inputs
        tensors[position] = Tensor(moved, shape: input.shape, on: input.device)
        return try projected(tensors).scalar(as: Double.self)
      }
      return (sides[0] - sides[1]) / (2 * Double(step))
    }
    let scale = Swift.max(1, numeric.map(Swift.abs).max() ?? 0)
    try expectClose(
      gradients[position], numeric, relative: 0, absolute: tolerance * scale, "\(what) gradient of input \(position),",
      sourceLocation: sourceLocation)
  }
}

/// What a process that trapped wrote on standard error.
func message(of result: ExitTest.Result?) -> String {
  String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
}
