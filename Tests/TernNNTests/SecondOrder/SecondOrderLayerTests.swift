// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct SecondOrderLayerTests {
  @Test(arguments: SecondOrderLosses.all) func lossesAreDifferentiableTwice(_ subject: DerivativeCase) throws {
    try expectSecondDerivatives(subject, on: .cpu)
  }

  @Test func everyLossIsInTheTable() throws {
    let covered = Set(SecondOrderLosses.all.map(\.covered))
    guard PackageFiles.exists("Sources/TernNN/Losses") else {
      print("everyLossIsInTheTable: skipped, the sources are not here")
      return
    }
    let root = PackageFiles.root.appending(path: "Sources/TernNN/Losses")
    for file in try FileManager.default.contentsOfDirectory(at: root, includingPropertiesForKeys: nil) {
      for match in try String(contentsOf: file, encoding: .utf8).matches(of: /(?m)^public func ([A-Za-z]+)/) {
        #expect(covered.contains(String(match.1)), "\(match.1) of \(file.lastPathComponent)")
      }
    }
  }

  /// A model and its input, so that one check covers both.
  private struct Probe<Model: Module>: Module {
    let model: Model
    let x: Parameter
  }

  /// Inputs and parameters, in training mode: masks of dropout, statistics of the batch.
  private func check<Model: Module>(
    _ model: Model, _ shape: [Int], sourceLocation: SourceLocation = #_sourceLocation,
    _ run: (Model, Tensor) -> Tensor
  ) throws {
    let probe = Probe(model: model, x: Parameter(sampleTensor(shape)))
    let check = try gradientCheck(of: probe, mode: .training, elementsPerTensor: 1, order: 2) {
      let y = run(probe.model, probe.x.value)
      return (sampleTensor(y.shape, shift: 0.4, phase: 2) * (y + square(y))).sum()
    }
    #expect(check.passes(tolerance: 1e-2), "\(Model.self): \(check)", sourceLocation: sourceLocation)
  }

  @Test func layersAreDifferentiableTwiceInTrainingMode() throws {
    try withDevice(.cpu) {
      let g = RandomGenerator(seed: 4)
      try check(LSTM(3, 2, layers: 2, bidirectional: true, dropout: 0.3, generator: g), [3, 2, 3]) { $0($1) }
      let lengths = Tensor([2, 3])
      try check(GRU(3, 2, generator: g), [3, 2, 3]) { $0.run($1, lengths: lengths).outputs }
      try check(RNN(3, 2, generator: g), [3, 2, 3]) { $0($1) }
      try check(MultiHeadAttention(4, heads: 2, dropout: 0.3, generator: g), [2, 3, 4]) { $0($1) }
      let options = TransformerOptions(feedForward: 5, activation: .gelu, dropout: 0.2)
      try check(TransformerEncoderLayer(4, heads: 2, options: options, generator: g), [1, 3, 4]) { $0($1) }
      let memory = sampleTensor([1, 2, 4], phase: 1)
      try check(TransformerDecoderLayer(4, heads: 2, generator: g), [1, 3, 4]) { $0($1, memory: memory) }
      try check(BatchNorm2D(2, epsilon: 0.1), [3, 2, 2, 2]) { $0($1) }
      try check(LayerNorm(5, epsilon: 0.1), [3, 5]) { $0($1) }
      try check(GroupNorm(4, groups: 2, epsilon: 0.1), [2, 4, 3]) { $0($1) }
      try check(PReLU(2), [2, 2, 3]) { $0($1) }
    }
  }
}
