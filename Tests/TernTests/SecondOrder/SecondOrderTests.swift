// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct SecondOrderTests {
  @Test(arguments: SecondOrderCases.all) func secondDerivativesAreThoseOfDifferences(_ subject: DerivativeCase) throws {
    for device in subject.onAllDevices ? Device.all : [.cpu] { try expectSecondDerivatives(subject, on: device) }
  }

  /// What has no derivative, or is not in the table's reach, gives the same gradient with a graph as without.
  @Test(arguments: Device.all) func edgesAreTheSameWithAGraph(_ device: Device) throws {
    func expectSame(
      _ inputs: [Tensor], _ what: String, only: (Tensor) -> Tensor = { $0 }, _ f: ([Tensor]) -> Tensor
    ) throws {
      func gradients(_ createGraph: Bool) -> [Tensor] {
        valueAndGradients(at: inputs, createGraph: createGraph) { f($0).sum() }.gradients
      }
      for (position, (with, without)) in zip(gradients(true), gradients(false)).enumerated() {
        try expectClose(
          only(with), only(without).scalars(as: Double.self), absolute: 2e-5, "\(what), input \(position),")
      }
    }
    func list(_ numbers: [Int], _ shape: [Int]? = nil) -> Tensor { Tensor(numbers, shape: shape, on: device) }
    try expectSame([sampleTensor([4, 3], on: device)], "cross-entropy, labels ignored and out of range") {
      softmaxCrossEntropy($0[0], list([-100, 7, 1, -1]), smoothing: 0.1).losses
    }
    // Fits; does not fit; a label beyond the classes; a length beyond the steps; no steps; the blank as a label.
    let scores = logSoftmax(sampleTensor([3, 6, 4], on: device))
    let targets = list([1, 2, 2, 2, 1, 9, 1, 1, 1, 1, 0, 1], [6, 2])
    for zeroes in [false, true] {
      // A sample without a gradient has NaN somewhere.
      let spread: (Tensor) -> Tensor = {
        `where`($0.isNaN().any(along: [0, 2], keepingDimensions: true), .nan, $0)
      }
      try expectSame([scores], "CTC, infinities to zero: \(zeroes)", only: spread) {
        ctcLosses(
          $0[0], targets, inputLengths: list([3, 2, 3, 4, 0, 3]), targetLengths: list([2, 2, 2, 1, 1, 1]),
          zeroesInfinity: zeroes)
      }
    }
    let points: [Float] = [.nan, 0, 0.2, .infinity, -.infinity, 0.1, 5, -7, 1, 1, -1, -1]
    for padding in GridPadding.allCases {
      try expectSame(
        [sampleTensor([1, 2, 3, 4], on: device), Tensor(points, shape: [1, 2, 3, 2], on: device)], "grid, \(padding)"
      ) { gridSample($0[0], $0[1], padding: padding, alignsCorners: true) }
    }
    try expectSame([sampleTensor([3, 2], on: device)], "bags with an index out of range") {
      embeddingBag(list([0, 2, 1, 5]), $0[0], offsets: list([0, 2, 2]), mode: .max)
    }
  }

  /// A new function joins the table, or this list of those without a derivative, or with that of another in it.
  @Test func everyPublicFunctionIsInTheTable() throws {
    let without: Set = [
      "argMax", "argMin", "all", "any", "allFinite", "selecting", "oneHot", "isNaN", "isFinite", "floorDivided",
      "detached", "evaluate", "every",
      "callAsFunction", "needsGradient", "gradient", "valueAndGradient", "valueAndGradients", "gradientCheck", "passes",
    ]
    let covered = Set(SecondOrderCases.all.map(\.covered))
    let declaration = /public (?:static |mutating |prefix )*func `?([A-Za-z0-9]+)/
    for folder in ["Ops", "Differentiation", "Core/Tensor.swift"] {
      let path = "Sources/Tern/" + folder
      guard PackageFiles.exists(path) else {
        print("everyPublicFunctionIsInTheTable: skipped, the sources are not here")
        return
      }
      let root = PackageFiles.root.appending(path: path)
      let inside = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL }
      for file in [root] + (inside ?? []) where file.pathExtension == "swift" {
        for match in try String(contentsOf: file, encoding: .utf8).matches(of: declaration) {
          let name = String(match.1)
          #expect(covered.contains(name) || without.contains(name), "\(name) of \(file.lastPathComponent)")
        }
      }
    }
  }
}
