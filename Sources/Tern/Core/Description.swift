// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor: CustomStringConvertible {
  /// Shape, dtype, device and a corner of the values. Waits for the device.
  public var description: String {
    let head = "Tensor(shape: \(shape), dtype: \(dtype), device: \(device))"
    do {
      return count == 0 ? head : head + "\n" + (try corner().text(indent: 0))
    } catch {
      return head + "\n<\(error)>"
    }
  }

  /// How many entries stand at each end of a long axis.
  private static let edge = 3

  private func corner() throws -> Corner {
    // Only the part that is shown is fetched.
    var part = detached()
    var cut = [Bool](repeating: false, count: rank)
    for axis in shape.indices where shape[axis] > 2 * Tensor.edge {
      cut[axis] = true
      part = concatenated(
        [part.sliced(along: axis, to: Tensor.edge), part.sliced(along: axis, from: shape[axis] - Tensor.edge)],
        along: axis)
    }
    let texts: [String]
    switch dtype {
    case .float32, .float16, .bfloat16: texts = Tensor.formatted(try part.scalars(as: Float.self))
    case .int32, .int64: texts = try part.scalars(as: Int.self).map(String.init)
    case .bool: texts = try part.scalars(as: Bool.self).map(String.init)
    }
    let width = texts.map(\.count).max() ?? 0
    return Corner(
      shape: part.shape, cut: cut, texts: texts.map { String(repeating: " ", count: width - $0.count) + $0 })
  }

  /// Numbers with a common precision: fixed point where that is readable, else exponents.
  private static func formatted(_ numbers: [Float]) -> [String] {
    let finite = numbers.filter(\.isFinite).map(Swift.abs)
    let (largest, smallest) = (finite.max() ?? 0, finite.filter { $0 > 0 }.min() ?? 1)
    if finite.allSatisfy({ $0 == $0.rounded() && $0 < 1e7 }) {
      return numbers.map { $0.isFinite ? String(Int($0)) + "." : "\($0)" }
    }
    let usesExponent = largest >= 1e5 || smallest < 1e-4
    return numbers.map { number in
      guard number.isFinite else { return "\(number)" }
      return usesExponent ? scientific(number) : fixed(Double(number), digits: 4)
    }
  }

  private static func scientific(_ number: Float) -> String {
    if number == 0 { return "0.0000e+00" }
    var mantissa = Double(Swift.abs(number))
    var exponent = 0
    while mantissa >= 9.99995 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 0.999995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let digits = String(Swift.abs(exponent))
    let tail = (exponent < 0 ? "-" : "+") + (digits.count < 2 ? "0" : "") + digits
    return (number < 0 ? "-" : "") + fixed(mantissa, digits: 4) + "e" + tail
  }

  private static func fixed(_ number: Double, digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let whole = Int((Swift.abs(number) * scale).rounded())
    let fraction = String(whole % Int(scale))
    let padding = String(repeating: "0", count: digits - fraction.count)
    return (number < 0 ? "-" : "") + "\(whole / Int(scale)).\(padding)\(fraction)"
  }
}

/// The values that a description shows.
private struct Corner {
  let shape: [Int]
  /// Axes whose middle is left out.
  let cut: [Bool]
  let texts: [String]

  func text(indent: Int) -> String { block(axis: 0, start: 0, indent: indent) }

  private func block(axis: Int, start: Int, indent: Int) -> String {
    if axis == shape.count { return texts[start] }
    let step = elementCount(Array(shape[(axis + 1)...]))
    var parts = (0..<shape[axis]).map { block(axis: axis + 1, start: start + $0 * step, indent: indent + 1) }
    if cut[axis] { parts.insert("…", at: shape[axis] / 2) }
    let separator = axis == shape.count - 1 ? ", " : ",\n" + String(repeating: " ", count: indent + 1)
    return "[" + parts.joined(separator: separator) + "]"
  }
}
