// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// Sums of products named by letters, Einstein's notation: `"bij,bjk->bik"` multiplies matrices.
///
/// Each letter is an axis. Letters that the result does not name are summed over; a letter that stands twice in an
/// operand takes its diagonal; `...` stands for any number of axes, which broadcast. Without `->` the result has the
/// letters that stand once, in alphabetical order, behind the axes of `...`.
///
/// Operands are joined from left to right, each time as one batched matrix product.
///
/// - Parameters:
///   - equation: letters `a` to `z` and `A` to `Z`, operands separated by commas; spaces do not count.
///   - operands: one for each list of letters, of one floating-point dtype and on one device.
/// - Precondition: the equation fits the operands' ranks, and axes of one letter have one length, or 1 for `...`.
public func einsum(_ equation: String, _ operands: Tensor...) -> Tensor { einsum(equation, operands) }

/// Sums of products named by letters, of a list of operands.
///
/// - Precondition: that of `einsum` with operands one by one.
public func einsum(_ equation: String, _ operands: [Tensor]) -> Tensor {
  let plan = EinsumEquation(equation, operands.map(\.shape))
  _ = Tensor.commonDType("einsum", operands)
  var terms = zip(operands, plan.inputs).map { EinsumTerm($0, $1).withoutRepeats() }
  var result = terms.removeFirst()
  for (index, term) in terms.enumerated() {
    let later = Set(terms[(index + 1)...].flatMap(\.labels)).union(plan.output)
    result = result.joined(with: term, keeping: later)
  }
  return result.arranged(plan.output)
}

/// An axis: a letter, or one of those that `...` stands for, counted from the last.
private enum EinsumLabel: Hashable {
  case letter(Character)
  case unnamed(Int)
}

/// The labels of operands and result.
private struct EinsumEquation {
  var inputs: [[EinsumLabel]] = []
  var output: [EinsumLabel] = []
  private(set) var extents: [EinsumLabel: Int] = [:]

  init(_ equation: String, _ shapes: [[Int]]) {
    let sides = equation.filter { $0 != " " }.components(separatedBy: "->")
    let operands = sides[0].split(separator: ",", omittingEmptySubsequences: false)
    require(sides.count <= 2, "einsum: '\(equation)' has more than one arrow")
    require(
      operands.count == shapes.count,
      "einsum: '\(equation)' names \(operands.count) operands, got \(shapes.count)")
    for (letters, shape) in zip(operands, shapes) {
      inputs.append(Self.labels(of: letters, rank: shape.count, in: equation))
      for (label, extent) in zip(inputs.last!, shape) {
        let known = extents[label] ?? extent
        var agrees = known == extent
        if case .unnamed = label { agrees = agrees || known == 1 || extent == 1 }
        require(agrees, "einsum: '\(equation)' gives one letter to extents \(known) and \(extent)")
        extents[label] = known == 1 ? extent : known
      }
    }
    let unnamed = Set(inputs.joined()).filter { if case .unnamed = $0 { true } else { false } }.count
    if sides.count == 2 {
      let known = sides[1].filter { $0 != "." }.count + (sides[1].contains("...") ? unnamed : 0)
      output = Self.labels(of: Substring(sides[1]), rank: known, in: equation)
    } else {
      let letters = operands.joined().filter { $0 != "." }
      let single = Set(letters).filter { letter in letters.filter { $0 == letter }.count == 1 }
      output = (0..<unnamed).reversed().map { .unnamed($0) } + single.sorted().map { .letter($0) }
    }
    for label in output {
      require(
        extents[label] != nil && output.filter { $0 == label }.count == 1,
        "einsum: the result of '\(equation)' has an axis twice or that no operand has")
    }
  }

  private static func labels(of text: Substring, rank: Int, in equation: String) -> [EinsumLabel] {
    let parts = String(text).components(separatedBy: "...")
    let letters = parts.joined()
    require(
      parts.count <= 2 && letters.allSatisfy { $0.isASCII && $0.isLetter }
        && (parts.count == 2 ? letters.count <= rank : letters.count == rank),
      "einsum: '\(text)' in '\(equation)' does not name the axes of a tensor of rank \(rank)")
    let unnamed = (0..<rank - letters.count).reversed().map { EinsumLabel.unnamed($0) }
    return parts[0].map { .letter($0) } + unnamed + parts.dropFirst().joined().map { .letter($0) }
  }
}

/// A tensor whose axes have labels.
private struct EinsumTerm {
  var tensor: Tensor
  var labels: [EinsumLabel]

  init(_ tensor: Tensor, _ labels: [EinsumLabel]) { (self.tensor, self.labels) = (tensor, labels) }

  private func extent(_ label: EinsumLabel) -> Int { tensor.shape[labels.firstIndex(of: label)!] }

  /// Diagonals in the place of axes with one label.
  func withoutRepeats() -> EinsumTerm {
    for (first, label) in labels.enumerated() {
      guard let second = labels[(first + 1)...].firstIndex(of: label) else { continue }
      let others = labels.indices.filter { $0 != first && $0 != second }.map { labels[$0] }
      return EinsumTerm(tensor.diagonal(first, second), others + [label]).withoutRepeats()
    }
    return self
  }

  /// Sums over axes that nobody asks for.
  private func summed(keeping kept: Set<EinsumLabel>) -> EinsumTerm {
    let gone = labels.indices.filter { !kept.contains(labels[$0]) }
    if gone.isEmpty { return self }
    return EinsumTerm(tensor.sum(along: gone), labels.filter(kept.contains))
  }

  /// The axes in an order that holds all of them.
  private func ordered(_ order: [EinsumLabel]) -> Tensor {
    order == labels ? tensor : tensor.transposed(order.map { labels.firstIndex(of: $0)! })
  }

  /// The product with another term, summed over what only the two have: `[batch, left, shared] · [batch, shared,
  /// right]`.
  func joined(with other: EinsumTerm, keeping later: Set<EinsumLabel>) -> EinsumTerm {
    // An axis that one of the two only repeats is no axis of a matrix product.
    var (a, b) = (self, other)
    for label in labels where other.labels.contains(label) && extent(label) != other.extent(label) {
      if extent(label) == 1 { a = a.dropping(label) } else { b = b.dropping(label) }
    }
    a = a.summed(keeping: later.union(b.labels))
    b = b.summed(keeping: later.union(a.labels))
    let common = a.labels.filter(b.labels.contains)
    let (batch, shared) = (common.filter(later.contains), common.filter { !later.contains($0) })
    let left = a.labels.filter { !common.contains($0) }
    let right = b.labels.filter { !common.contains($0) }
    func extents(_ term: EinsumTerm, _ labels: [EinsumLabel]) -> [Int] { labels.map { term.extent($0) } }
    let sizes = [extents(a, batch), extents(a, left), extents(a, shared), extents(b, right)]
    let counts = sizes.map(elementCount)
    let product = matmul(
      a.ordered(batch + left + shared).reshaped(to: [counts[0], counts[1], counts[2]]),
      b.ordered(batch + shared + right).reshaped(to: [counts[0], counts[2], counts[3]]))
    return EinsumTerm(product.reshaped(to: sizes[0] + sizes[1] + sizes[3]), batch + left + right)
  }

  private func dropping(_ label: EinsumLabel) -> EinsumTerm {
    let axis = labels.firstIndex(of: label)!
    return EinsumTerm(tensor.squeezed(at: axis), labels.filter { $0 != label })
  }

  /// The result: summed, in the order of its labels.
  func arranged(_ output: [EinsumLabel]) -> Tensor {
    summed(keeping: Set(output)).ordered(output)
  }
}
