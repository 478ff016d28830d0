// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

let nan = Double.nan
let inf = Double.infinity

/// An input of an edge case: numbers, and what tensor they fill.
struct Given: Sendable, ExpressibleByArrayLiteral {
  let shape: [Int]
  let numbers: [Double]
  let dtype: DType

  init(_ shape: [Int], _ numbers: [Double], _ dtype: DType = .float32) {
    (self.shape, self.numbers, self.dtype) = (shape, numbers, dtype)
  }

  /// A list of Float32.
  init(arrayLiteral numbers: Double...) { self.init([numbers.count], numbers) }

  /// Smooth, irregular numbers.
  static func sample(_ shape: Int..., phase: Double = 0) -> Given {
    Given(shape, TestSupport.sample(shape, phase: phase).map(Double.init))
  }

  static func empty(_ shape: Int...) -> Given { Given(shape, []) }
  static func indices(_ numbers: Int...) -> Given { Given([numbers.count], numbers.map(Double.init), .int64) }
  static func mask(_ flags: Bool...) -> Given { Given([flags.count], flags.map { $0 ? 1 : 0 }, .bool) }

  func tensor(on device: Device) -> Tensor {
    switch dtype {
    case .int64: Tensor(numbers.map { Int64($0) }, shape: shape, on: device)
    case .int32: Tensor(numbers.map { Int32($0) }, shape: shape, on: device)
    case .bool: Tensor(numbers.map { $0 != 0 }, shape: shape, on: device)
    default: Tensor(numbers.map { Float($0) }, shape: shape, on: device).cast(to: dtype)
    }
  }
}

/// An operation at the edge of what it takes, and what must come out of it on every device.
///
/// Gradients are those of `1 * y[0] + 2 * y[1] + 3 * y[2] + …` with respect to the floating-point inputs.
struct EdgeCase: Sendable, CustomTestStringConvertible {
  let name: String
  let inputs: [Given]
  let shape: [Int]?
  let values: [Double]?
  let gradients: [[Double]?]?
  let mode: Mode
  let operation: @Sendable ([Tensor]) -> Tensor

  /// What is not given is what the CPU finds; but a gradient that is nil in the list is not looked at.
  init(
    _ name: String, _ inputs: [Given], shape: [Int]? = nil, gives values: [Double]? = nil,
    gradients: [[Double]?]? = nil, mode: Mode = .training, _ operation: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    (self.name, self.inputs, self.shape, self.values, self.gradients) = (name, inputs, shape, values, gradients)
    (self.mode, self.operation) = (mode, operation)
  }

  var testDescription: String { name }

  /// Compares value and gradients on every device.
  func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for device in TestDevices.all { try check(on: device, sourceLocation) }
  }

  private func check(on device: Device, _ sourceLocation: SourceLocation) throws {
    let (y, gradients) = run(on: device)
    if let shape { #expect(y.shape == shape, "\(name) on \(device)", sourceLocation: sourceLocation) }
    let needsReference = device != .cpu && ((values == nil && y.count > 0) || self.gradients == nil)
    let reference = needsReference ? run(on: .cpu) : (y, gradients)
    func compare(_ what: String, _ found: Tensor, _ wanted: [Double]?, _ other: Tensor) throws {
      #expect(found.shape == other.shape, "\(name)\(what) on \(device)", sourceLocation: sourceLocation)
      try expectClose(
        found.cast(to: .float32), try wanted ?? other.cast(to: .float32).scalars(as: Double.self), relative: 2e-5,
        absolute: 2e-6, "\(name)\(what) by \(device.name),", sourceLocation: sourceLocation)
    }
    try compare("", y, values, reference.0)
    for (index, gradient) in gradients.enumerated() where self.gradients == nil || self.gradients![index] != nil {
      try compare(", gradient \(index),", gradient, self.gradients?[index], reference.1[index])
    }
  }

  private func run(on device: Device) -> (Tensor, [Tensor]) {
    let tensors = inputs.map { $0.tensor(on: device) }
    let leaves = tensors.indices.filter { tensors[$0].dtype.isFloatingPoint }
    var result: Tensor?
    let (_, gradients) = valueAndGradients(at: leaves.map { tensors[$0] }, mode: mode) { moved -> Tensor in
      var arguments = tensors
      for (index, leaf) in zip(leaves, moved) { arguments[index] = leaf }
      let y = operation(arguments)
      result = y.detached()
      guard y.dtype.isFloatingPoint else { return Tensor.zeros([], on: device) }
      let factors = Tensor((0..<y.count).map { Float($0 + 1) }, shape: y.shape, on: device)
      return (y.cast(to: .float32) * factors).sum()
    }
    return (result!, result!.dtype.isFloatingPoint ? gradients : [])
  }
}
