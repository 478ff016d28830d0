// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// How far gradients are from double-sided differences; see `gradientCheck(of:at:)`.
public struct GradientCheck: Sendable {
  /// One element of a tensor and both its derivatives.
  public struct Element: Sendable {
    /// The position, outermost axis first.
    public let position: [Int]
    /// What differentiation says.
    public let computed: Double
    /// What the differences say.
    public let measured: Double
  }

  /// The comparison for one tensor.
  public struct Part: Sendable {
    /// The tensor's name.
    public let name: String
    /// Elements that were compared.
    public let count: Int
    /// `|c - m| / (|c| + |m|)` of the computed and the measured derivatives as vectors; 0 where both are 0.
    public let relativeNorm: Double
    /// `|c - m|`.
    public let difference: Double
    /// The element with the largest difference; nil for an empty tensor.
    public let worst: Element?
  }

  /// One for each tensor, in order.
  public let parts: [Part]
  /// `|c - m| / (|c| + |m|)` over all elements of all tensors.
  public let relativeNorm: Double

  /// The tensor that is furthest off. One whose true gradient is 0 may have a large relative norm, from rounding alone,
  /// but no large difference.
  public var worst: Part? { parts.max { isLess($0.difference, $1.difference) } }

  /// Whether the gradients are right, as far as differences in Float32 can tell: about 1e-3 is what rounding leaves of
  /// a smooth function, 1e-2 of one with kinks; a mistake gives 0.1 and more.
  public func passes(tolerance: Double = 1e-2) -> Bool { relativeNorm <= tolerance }
}

extension GradientCheck: CustomStringConvertible {
  /// The norm, and a line for each tensor with its worst element, the worst tensor first.
  public var description: String {
    let lines = parts.sorted { isLess($1.difference, $0.difference) }.map { part in
      var line = "  \(part.name): \(digits(part.relativeNorm)) over \(part.count) elements"
      if let worst = part.worst {
        line += "; worst \(worst.position): computed \(digits(worst.computed)), measured \(digits(worst.measured))"
      }
      return line
    }
    return (["gradient check: relative norm \(digits(relativeNorm))"] + lines).joined(separator: "\n")
  }

  private func digits(_ number: Double) -> String { String(format: "%.4g", number) }
}

/// Compares the gradient of a function with double-sided differences, element by element:
///
///     (f(x + h) - f(x - h)) / 2h
///
/// Both are summed up as one number, `|c - m| / (|c| + |m|)`, and the worst element is named:
///
///     let check = try gradientCheck(of: { square($0[0]).sum() }, at: [x])
///     print(check)
///     assert(check.passes())
///
/// Kinks (ReLU, maxima) nearer than `step` to an element make the differences wrong there, not the gradient.
///
/// Second derivatives, which a loss with gradients in it needs, are compared with differences of the gradient: those of
/// all elements, each times a fixed irregular number between -1 and 1, added up.
///
///     try gradientCheck(of: { pow(layer($0[0]), 3).sum() }, at: [x], order: 2)
///
/// The differences take the gradient by the way of first derivatives, without `createGraph: true`, so that the check
/// compares both ways. A function that is linear in an input has no second derivative there; put a square around it.
///
/// - Parameters:
///   - f: gives one element; the same for the same inputs, so the default mode is inference.
///   - inputs: Float32.
///   - names: what the report calls the inputs; their positions when nil.
///   - mode: what `f` runs in.
///   - step: the change of an element of size up to 1, and relative to larger ones. With Float32 less drowns in
///     rounding, more is no derivative.
///   - elementsPerTensor: how many elements of each input are compared, evenly spread; all when nil.
///   - order: 1 for the gradient, 2 for the gradient of the gradient.
/// - Throws: what `f` throws or the device reports.
public func gradientCheck(
  of f: ([Tensor]) throws -> Tensor, at inputs: [Tensor], names: [String]? = nil, mode: Mode = .inference,
  step: Float = 1e-2, elementsPerTensor: Int? = nil, order: Int = 1
) throws -> GradientCheck {
  require(order == 1 || order == 2, "gradientCheck: the order must be 1 or 2, got \(order)")
  require(
    names == nil || names?.count == inputs.count,
    "gradientCheck: \(inputs.count) inputs, but \(names?.count ?? 0) names")
  require(
    step > 0 && (elementsPerTensor ?? 1) > 0,
    "gradientCheck: step and elementsPerTensor must be positive, got \(step) and \(elementsPerTensor ?? 0)")
  for input in inputs { require(input.dtype == .float32, "gradientCheck: inputs must be float32, got \(input.dtype)") }
  let factors = order == 1 ? [] : irregularFactors(like: inputs)
  /// What is differentiated: `f`, or its gradient made one number.
  func target(_ tensors: [Tensor], createGraph: Bool) throws -> Tensor {
    if order == 1 { return try f(tensors) }
    let slopes = try valueAndGradients(at: tensors, mode: mode, createGraph: createGraph, f).gradients
    return zip(slopes, factors).reduce(Tensor.zeros([], on: inputs[0].device)) { $0 + ($1.0 * $1.1).sum() }
  }
  let (_, gradients) = try valueAndGradients(at: inputs, mode: mode) { try target($0, createGraph: true) }
  var parts: [GradientCheck.Part] = []
  var total = DifferenceNorm()
  for (place, input) in inputs.enumerated() {
    let (numbers, slopes) = (try input.scalars(as: Float.self), try gradients[place].scalars(as: Double.self))
    var own = DifferenceNorm()
    var worst: GradientCheck.Element?
    for index in spread(numbers.count, limit: elementsPerTensor) {
      func value(_ number: Float) throws -> Double {
        var moved = numbers
        moved[index] = number
        var arguments = inputs
        arguments[place] = Tensor(moved, shape: input.shape, on: input.device)
        return try withMode(mode) { try target(arguments, createGraph: false) }.scalar(as: Double.self)
      }
      let change = step * max(1, Swift.abs(numbers[index]))
      let (above, below) = (numbers[index] + change, numbers[index] - change)
      // What the numbers really differ by, after rounding.
      let measured = (try value(above) - value(below)) / (Double(above) - Double(below))
      let element = GradientCheck.Element(
        position: position(index, in: input.shape), computed: slopes[index], measured: measured)
      own.add(element)
      if worst.map({ isLess($0.difference, element.difference) }) ?? true { worst = element }
    }
    total.add(own)
    parts.append(
      GradientCheck.Part(
        name: names?[place] ?? "\(place)", count: own.count, relativeNorm: own.relative, difference: own.length,
        worst: worst))
  }
  return GradientCheck(parts: parts, relativeNorm: total.relative)
}

/// Compares the gradient of a function of one tensor with double-sided differences; see `gradientCheck(of:at:)` for
/// several, which this calls.
public func gradientCheck(
  of f: (Tensor) throws -> Tensor, at x: Tensor, mode: Mode = .inference, step: Float = 1e-2,
  elementsPerTensor: Int? = nil, order: Int = 1
) throws -> GradientCheck {
  try gradientCheck(
    of: { try f($0[0]) }, at: [x], names: ["x"], mode: mode, step: step, elementsPerTensor: elementsPerTensor,
    order: order)
}

/// For each tensor numbers between -1 and 1, the same every time.
private func irregularFactors(like inputs: [Tensor]) -> [Tensor] {
  let generator = RandomGenerator(seed: 2)
  return inputs.map { Tensor.randomUniform($0.shape, low: -1, high: 1, generator: generator, on: $0.device) }
}

/// Sums of squares of computed and measured derivatives and of their differences.
private struct DifferenceNorm {
  private var computed = 0.0
  private var measured = 0.0
  private var difference = 0.0
  private(set) var count = 0

  var length: Double { difference.squareRoot() }
  var relative: Double {
    let size = computed.squareRoot() + measured.squareRoot()
    return size == 0 ? 0 : length / size
  }

  mutating func add(_ element: GradientCheck.Element) {
    computed += element.computed * element.computed
    measured += element.measured * element.measured
    difference += element.difference * element.difference
    count += 1
  }

  mutating func add(_ other: DifferenceNorm) {
    computed += other.computed
    measured += other.measured
    difference += other.difference
    count += other.count
  }
}

extension GradientCheck.Element {
  fileprivate var difference: Double { Swift.abs(computed - measured) }
}

/// Up to `limit` of the numbers `0 ..< count`, evenly spread.
private func spread(_ count: Int, limit: Int?) -> [Int] {
  guard let limit, limit < count else { return Array(0..<count) }
  return (0..<limit).map { ($0 * 2 + 1) * count / (limit * 2) }
}

private func position(_ index: Int, in shape: [Int]) -> [Int] {
  var rest = index
  return shape.reversed().map { extent -> Int in
    defer { rest /= extent }
    return rest % extent
  }.reversed()
}

/// Whether `a` is the smaller difference; NaN is the largest.
private func isLess(_ a: Double, _ b: Double) -> Bool { !a.isNaN && (b.isNaN || a < b) }
