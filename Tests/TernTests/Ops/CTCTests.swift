// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct CTCTests {
  /// Minus the logarithm of the sum over every way to name a class in each step that collapses to the labels.
  private static func reference(_ p: [[Double]], _ labels: [Int], blank: Int) -> Double {
    let classes = p.first?.count ?? 1
    var total = 0.0
    for number in 0..<Int(Foundation.pow(Double(classes), Double(p.count))) {
      var (rest, way, product) = (number, [Int](), 1.0)
      for step in p {
        way.append(rest % classes)
        product *= step[rest % classes]
        rest /= classes
      }
      let merged = way.enumerated().filter { $0 == 0 || way[$0 - 1] != $1 }.map(\.element).filter { $0 != blank }
      if merged == labels { total += product }
    }
    return -Foundation.log(total)
  }

  private struct Batch {
    // Labels that repeat, none, as many as there is room for, more than that.
    let labels = [[1, 1], [], [2, 1], [1, 1, 1]]
    let lengths = [5, 4, 2, 4]
    var padded: [Int] { labels.flatMap { $0 + Array(repeating: 1, count: 3 - $0.count) } }

    func losses(_ x: Tensor, blank: Int, zeroesInfinity: Bool = false) -> Tensor {
      ctcLosses(
        logSoftmax(x), Tensor(padded, shape: [4, 3], on: x.device).cast(to: .int32),
        inputLengths: Tensor(lengths, on: x.device), targetLengths: Tensor(labels.map(\.count), on: x.device),
        blank: blank, zeroesInfinity: zeroesInfinity)
    }
  }

  @Test(arguments: Device.all, [0, 3]) func sumsOverAllWays(_ device: Device, _ blank: Int) throws {
    let (x, batch) = (sampleTensor([5, 4, 4], scale: 2, on: device), Batch())
    let p = try softmax(x).scalars(as: Double.self)
    let expected = batch.labels.enumerated().map { n, labels in
      Self.reference(
        (0..<batch.lengths[n]).map { t in (0..<4).map { p[(t * 4 + n) * 4 + $0] } }, labels, blank: blank)
    }
    #expect(expected[3] == .infinity)
    try expectClose(batch.losses(x, blank: blank), expected, relative: 1e-5)
    try expectClose(batch.losses(x, blank: blank, zeroesInfinity: true)[3], [0])
    try expectGradients([x]) { batch.losses($0[0], blank: blank, zeroesInfinity: true) }
    // Other layouts and storage.
    let strided = x.transposed([2, 1, 0]).contiguous().transposed([2, 1, 0])
    try expectClose(batch.losses(strided, blank: blank), expected, relative: 1e-5)
    try expectClose(batch.losses(x.cast(to: .float16), blank: blank), expected, relative: 5e-3)
  }

  @Test(arguments: Device.all) func lengthsAndLabelsThatMeanNothingGiveNaN(_ device: Device) throws {
    let x = logSoftmax(sampleTensor([3, 4, 3], on: device))
    let losses = ctcLosses(
      x, Tensor([1, 2, 1, 7, 1, 2, 0, 2], shape: [4, 2], on: device), inputLengths: Tensor([4, 3, 3, 3], on: device),
      targetLengths: Tensor([1, 2, 3, 1], on: device))
    #expect(try losses.scalars(as: Float.self).allSatisfy(\.isNaN))
    let none = ctcLosses(
      x, Tensor([1, 2, 1, 2, 1, 2, 1, 2], shape: [4, 2], on: device), inputLengths: Tensor([0, 0, 3, 3], on: device),
      targetLengths: Tensor([0, 1, 0, 2], on: device))
    #expect(try none[0..<2].scalars(as: Float.self) == [0, .infinity])
  }
}
