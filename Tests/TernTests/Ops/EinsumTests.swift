// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct EinsumTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let equation: String
    let shapes: [[Int]]
    /// The equation with the axes of `...` named, and with its arrow.
    var spelledOut: String?
    var testDescription: String { equation }
  }

  static let cases = [
    Case(equation: "ij,jk->ik", shapes: [[2, 3], [3, 4]]),
    Case(equation: "bhid,bhjd->bhij", shapes: [[2, 1, 3, 2], [2, 1, 4, 2]]),
    Case(equation: "bij->bji", shapes: [[2, 3, 4]]), Case(equation: "ij->", shapes: [[2, 3]]),
    Case(equation: "i,j->ji", shapes: [[2], [3]]), Case(equation: "ii->i", shapes: [[3, 3]]),
    Case(equation: "iij,jk->ki", shapes: [[2, 2, 3], [3, 2]]),
    Case(equation: "ij, jk, kl -> il", shapes: [[2, 3], [3, 2], [2, 4]], spelledOut: "ij,jk,kl->il"),
    Case(equation: "ba,cb", shapes: [[2, 3], [4, 2]], spelledOut: "ba,cb->ac"),
    Case(equation: "ij,kl->k", shapes: [[2, 3], [4, 2]]),
    Case(equation: "...ij,jk->...ik", shapes: [[2, 2, 2, 3], [3, 2]], spelledOut: "xyij,jk->xyik"),
    Case(equation: "b...,b...", shapes: [[2, 3], [2, 3]], spelledOut: "bx,bx->x"),
    Case(equation: "ij,ij->ij", shapes: [[2, 3], [2, 3]]), Case(equation: "a,a->", shapes: [[4], [4]]),
  ]

  /// The sum over all values of all letters.
  private static func reference(_ c: Case, _ operands: [[Double]]) -> [Double] {
    let sides = (c.spelledOut ?? c.equation).split(separator: "-", omittingEmptySubsequences: false)
    let inputs = sides[0].split(separator: ",", omittingEmptySubsequences: false)
    let output = sides[1].dropFirst()
    var extents: [Character: Int] = [:]
    for (letters, shape) in zip(inputs, c.shapes) { for (l, n) in zip(letters, shape) { extents[l] = n } }
    let letters = extents.keys.sorted()
    var result = [Double](repeating: 0, count: output.reduce(1) { $0 * extents[$1]! })
    func place(_ text: some StringProtocol, _ values: [Character: Int]) -> Int {
      text.reduce(0) { $0 * extents[$1]! + values[$1]! }
    }
    for number in 0..<letters.reduce(1, { $0 * extents[$1]! }) {
      var (rest, values) = (number, [Character: Int]())
      for letter in letters { (rest, values[letter]) = (rest / extents[letter]!, rest % extents[letter]!) }
      result[place(output, values)] += zip(inputs, operands).reduce(1.0) { $0 * $1.1[place($1.0, values)] }
    }
    return result
  }

  @Test(arguments: Device.all, cases) func sumsOfProducts(_ device: Device, _ c: Case) throws {
    let operands = c.shapes.enumerated().map { sampleTensor($1, phase: Double($0), on: device) }
    let expected = Self.reference(c, try operands.map { try $0.scalars(as: Double.self) })
    try expectClose(einsum(c.equation, operands), expected, relative: 1e-5, absolute: 1e-5)
    guard c.shapes.count < 3 && device == .cpu else { return }
    try expectGradients(operands) { einsum(c.equation, $0) }
  }

  @Test(arguments: Device.all) func bilinearFollowsItsDefinition(_ device: Device) throws {
    let (a, b) = (sampleTensor([2, 3], on: device), sampleTensor([2, 4], phase: 1, on: device))
    let (w, bias) = (sampleTensor([5, 3, 4], phase: 2, on: device), sampleTensor([5], on: device))
    let expected = einsum("ni,oij,nj->no", a, w, b) + bias
    try expectClose(bilinear(a, b, w, bias), try expected.scalars(as: Double.self))
    try expectGradients([a, b, w, bias]) { bilinear($0[0], $0[1], $0[2], $0[3]) }
  }
}
