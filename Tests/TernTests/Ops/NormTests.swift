// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct NormTests {
  @Test(arguments: Device.all) func normsOfEveryOrder(_ device: Device) throws {
    let x = sampleTensor([3, 5], on: device)
    let rows = try x.scalars(as: Double.self)
    for order in [1.0, 2, 3, .infinity] {
      let expected = (0..<3).map { row -> Double in
        let sizes = rows[row * 5..<row * 5 + 5].map { Swift.abs($0) }
        return order == .infinity
          ? sizes.max()! : Foundation.pow(sizes.reduce(0) { $0 + Foundation.pow($1, order) }, 1 / order)
      }
      try expectClose(x.norm(order: Float(order), along: -1), expected, "order \(order)")
      try expectGradients([x], "order \(order)") { $0[0].norm(order: Float(order), along: 1, keepingDimensions: true) }
    }
    #expect(x.norm().shape == [])
    try expectGradients([x], tolerance: 6e-3, "second order") { inputs in
      gradient(at: inputs[0], createGraph: true) { square($0.norm(order: 3, along: 0)).sum() }
    }
    for order in [2, 3] as [Float] {
      try expectClose(gradient(at: .zeros([2], on: device)) { $0.norm(order: order) }, [0, 0], "at zero")
    }
    try expectClose(
      x.standardDeviation(along: 1, unbiased: true),
      try sqrt(x.variance(along: 1, unbiased: true)).scalars(as: Double.self))
    try expectGradients([x]) { $0[0].standardDeviation(along: 0) }
  }

  @Test(arguments: Device.all) func distancesAndAngles(_ device: Device) throws {
    let (a, b) = (sampleTensor([3, 4], on: device), sampleTensor([3, 4], phase: 1, on: device))
    let (u, v) = (try a.scalars(as: Double.self), try b.scalars(as: Double.self))
    func rows(_ f: ([Double], [Double]) -> Double) -> [Double] {
      (0..<3).map { f(Array(u[$0 * 4..<$0 * 4 + 4]), Array(v[$0 * 4..<$0 * 4 + 4])) }
    }
    func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
    try expectClose(
      pairwiseDistance(a, b, order: 1, epsilon: 0.5),
      rows { zip($0, $1).reduce(0) { $0 + Swift.abs($1.0 - $1.1 + 0.5) } })
    let cosines = rows { dot($0, $1) / (dot($0, $0) * dot($1, $1)).squareRoot() }
    try expectClose(cosineSimilarity(a, b, axis: -1), cosines)
    try expectClose(cosineSimilarity(a.transposed(), b.transposed(), axis: 0), cosines)
    try expectGradients([a, b]) { cosineSimilarity($0[0], $0[1]) + pairwiseDistance($0[0], $0[1]) }
    // Lengths whose squares multiplied leave the range of Float32, or fall below the bound.
    for factor in [1e-5, 1e10] as [Float] {
      try expectClose(cosineSimilarity(a * factor, b * factor, axis: -1), cosines)
    }
    // No direction: the angle counts as a right one, without NaN.
    try expectClose(gradient(at: a * 0) { cosineSimilarity($0, b).sum() }.sum() * 0, [0])
  }

  /// Sums that half types do not hold, of norms that they do.
  @Test(arguments: Device.all) func normsOfHalfTypesAreSummedInFloat(_ device: Device) throws {
    let x = Tensor.full([1024], 10, dtype: .float16, on: device)
    try expectClose(x.norm(), [320])
    try expectClose(gradient(at: x) { $0.norm() }[0..<2], [0.031_25, 0.031_25])
    try expectClose(cosineSimilarity(x, x, axis: 0), [1])
  }
}
