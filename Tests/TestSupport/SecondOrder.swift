// SPDX-License-Identifier: MIT
import Tern
import Testing

/// A call of a differentiable function, at a point away from its kinks.
public struct DerivativeCase: Sendable, CustomTestStringConvertible {
  /// How an input lies in memory.
  public enum Layout: Sendable { case dense, transposed, spaced }

  public struct Input: Sendable {
    let shape: [Int]
    let scale, shift: Double
    let layout: Layout

    public init(_ shape: [Int], scale: Double = 1, shift: Double = 0, _ layout: Layout = .dense) {
      (self.shape, self.scale, self.shift, self.layout) = (shape, scale, shift, layout)
    }
  }

  public let name: String
  public let inputs: [Input]
  let mode: Mode
  let tolerance: Double
  public let onAllDevices: Bool
  let function: @Sendable ([Tensor]) -> Tensor

  /// - Parameters:
  ///   - name: the public function's, and what is particular behind a blank.
  ///   - tolerance: see `expectSecondDerivatives`.
  ///   - onAllDevices: for functions with kernels of their own on the way to a second derivative.
  public init(
    _ name: String, inputs: [Input], mode: Mode = .inference, tolerance: Double = 1e-2, onAllDevices: Bool = false,
    _ function: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    (self.name, self.inputs, self.mode, self.tolerance) = (name, inputs, mode, tolerance)
    (self.onAllDevices, self.function) = (onAllDevices, function)
  }

  /// A function of one tensor.
  public init(
    _ name: String, _ shape: [Int], scale: Double = 1, shift: Double = 0, _ layout: Layout = .dense,
    mode: Mode = .inference, tolerance: Double = 1e-2, onAllDevices: Bool = false,
    _ function: @escaping @Sendable (Tensor) -> Tensor
  ) {
    self.init(
      name, inputs: [Input(shape, scale: scale, shift: shift, layout)], mode: mode, tolerance: tolerance,
      onAllDevices: onAllDevices
    ) { function($0[0]) }
  }

  public var testDescription: String { name }

  /// The name of the function alone.
  public var covered: String { String(name.prefix { $0 != " " }) }
}

/// Compares second derivatives with differences of first ones.
///
/// The function `y` of a case becomes the number `L = sum of w * (y + y² / 2)`, bent so that the second derivative of a
/// linear `y` is not 0. With fixed numbers `u`, and a direction `v` of one input at a time,
///
///     ⟨gradient of ⟨gradient of L, u⟩, v⟩   is   (⟨gradient of L at x + h v, u⟩ - ⟨…at x - h v, u⟩) / 2h
///
/// Both ways to the gradient, with and without `createGraph: true`, must agree element by element to 1e-4 of its
/// largest, too. With entries of `v` of size 1/2 to 1 and h = 4e-3 the differences' error is some 1e-5 / h of the
/// gradient by Float32's rounding and about h² of fourth derivatives, together below `tolerance` of the length of the
/// second derivative, or of 1.
public func expectSecondDerivatives(
  _ subject: DerivativeCase, on device: Device, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let what = "\(subject.name) on \(device)"
  let inputs = subject.inputs.enumerated().map { $1.tensor(phase: Double($0), on: device) }
  let factors = inputs.map { sampleTensor($0.shape, phase: 0.9, on: device) }
  func number(_ tensors: [Tensor]) -> Tensor {
    let y = subject.function(tensors)
    let weights = sampleTensor(y.shape, shift: 0.4, phase: 2, on: device)
    return (weights * (y + square(y) * 0.5)).sum()
  }
  func slopes(_ tensors: [Tensor]) throws -> [[Double]] {
    try valueAndGradients(at: tensors, mode: subject.mode, number).gradients.map { try $0.scalars(as: Double.self) }
  }
  var first: [Tensor] = []
  let (_, second) = valueAndGradients(at: inputs, mode: subject.mode) { leaves in
    let (_, gradients) = valueAndGradients(at: leaves, mode: subject.mode, createGraph: true, number)
    first = gradients.map { $0.detached() }
    return zip(gradients, factors).reduce(Tensor.zeros([], on: device)) { $0 + ($1.0 * $1.1).sum() }
  }
  for (position, slope) in try slopes(inputs).enumerated() {
    let largest = slope.reduce(1.0) { (largest: Double, next: Double) in Swift.max(largest, Swift.abs(next)) }
    try expectClose(
      first[position], slope, relative: 0, absolute: 1e-4 * largest, "\(what): gradient \(position) with a graph,",
      sourceLocation: sourceLocation)
  }
  let step = 4e-3
  let weights = try factors.map { try $0.scalars(as: Double.self) }
  for (position, input) in inputs.enumerated() {
    let numbers = try input.scalars(as: Float.self)
    let direction = (0..<numbers.count).map { (index: Int) -> Double in
      let size = Double((index * 7 + 3) % 5 + 4) / 8
      return index * 5 % 7 < 3 ? -size : size
    }
    let sides = try [step, -step].map { (step: Double) -> Double in
      var moved = inputs
      let there = zip(numbers, direction).map { Float(Double($0) + step * $1) }
      moved[position] = Tensor(there, shape: input.shape, on: device)
      return product(try slopes(moved).joined(), weights.joined())
    }
    let measured = (sides[0] - sides[1]) / (2 * step)
    let products = try second[position].scalars(as: Double.self)
    let computed = product(products, direction)
    let length = product(products, products).squareRoot()
    #expect(
      Swift.abs(computed - measured) <= subject.tolerance * Swift.max(1, length),
      "\(what): along input \(position) \(computed), by differences \(measured), length \(length)",
      sourceLocation: sourceLocation)
  }
}

private func product(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
  zip(a, b).reduce(0.0) { (sum: Double, pair: (Double, Double)) in sum + pair.0 * pair.1 }
}

extension DerivativeCase.Input {
  fileprivate func tensor(phase: Double, on device: Device) -> Tensor {
    func filled(_ shape: [Int]) -> Tensor {
      sampleTensor(shape, scale: scale, shift: shift, phase: 2.3 * phase, on: device)
    }
    switch layout {
    case .dense: return filled(shape)
    case .transposed: return filled(shape.reversed()).transposed(shape.indices.reversed())
    case .spaced:
      return filled(shape.dropLast() + [2 * shape.last! + 1]).sliced(along: -1, from: 1, step: 2)
    }
  }
}
