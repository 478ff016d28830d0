// SPDX-License-Identifier: MIT
import Testing

@testable import Tern
@testable import TernNN

@Suite struct InPlaceUpdateTests {
  private static var optimizers: [any Optimizer] {
    [
      SGD(learningRate: 0.1), SGD(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01),
      Adam(learningRate: 0.01, weightDecay: 0.02, amsgrad: true), AdamW(learningRate: 0.01),
      RMSprop(learningRate: 0.01, momentum: 0.5, centered: true), LAMB(learningRate: 0.1),
      AveragedWeights(Adadelta(learningRate: 2), decay: 0.5),
    ]
  }

  private struct Weights: Module {
    let a: Parameter
    let b: Parameter

    init(on device: Device) {
      a = Parameter(Tensor((0..<33).map { Float($0 % 7) / 5 - 0.6 }, shape: [3, 11], on: device).evaluated())
      b = Parameter(Tensor((0..<5).map { Float($0) / 4 - 0.4 }, on: device).evaluated())
    }

    /// Steps whose gradients depend on the weights and, through the penalty, are pending work that reads them.
    func train(_ optimizer: inout some Optimizer, steps: Int, before: (Weights) -> Void = { _ in }) throws {
      for _ in 0..<steps {
        let (_, gradients) = valueAndGradients(of: self) {
          square(a.value + b.value.reshaped(to: [1, 5]).sum()).sum() + square(b.value).sum()
        }
        before(self)
        try optimizer.update(self, with: gradients)
      }
    }

    var scalars: [[Float]] { get throws { try [a, b].map { try $0.value.scalars(as: Float.self) } } }
  }

  @Test(arguments: Device.all) func resultsAreThoseOfNewMemory(_ device: Device) throws {
    for optimizer in Self.optimizers {
      func check(_ optimizer: some Optimizer) throws {
        let (here, elsewhere) = (Weights(on: device), Weights(on: device))
        var (first, second) = (optimizer, optimizer)
        try here.train(&first, steps: 4)
        var held: [Any] = []
        for _ in 0..<4 {
          try elsewhere.train(&second, steps: 1) { held.append([$0.a.value, $0.b.value]) }
          held.append(second)
        }
        #expect(try here.scalars == elsewhere.scalars, "\(type(of: optimizer))")
      }
      try check(optimizer)
    }
  }

  @Test(arguments: Device.all) func memoryIsReusedFromStepToStep(_ device: Device) throws {
    let weights = Weights(on: device)
    var optimizer = Adam(learningRate: 0.01)
    try weights.train(&optimizer, steps: 2)
    // The gradient of `b` reads `b` until the update computes it, so only its slots are alone.
    let place = weights.a.value.view.storage.handle
    let slots = optimizer.state.entries.mapValues { $0.slots.map { $0.view.storage.handle } }
    try weights.train(&optimizer, steps: 2)
    #expect(weights.a.value.view.storage.handle == place)
    #expect(optimizer.state.entries.mapValues { $0.slots.map { $0.view.storage.handle } } == slots)
  }

  @Test(arguments: Device.all) func copiesAndViewsOfOldValuesStay(_ device: Device) throws {
    let weights = Weights(on: device)
    var optimizer = SGD(learningRate: 0.1, momentum: 0.9)
    try weights.train(&optimizer, steps: 2)
    let (whole, view, pending) = (weights.b.value, weights.a.value.transposed(), weights.a.value * 2)
    let earlier = optimizer
    let (old, oldView) = (try whole.scalars(as: Float.self), try view.scalars(as: Float.self))
    let doubled = try weights.a.value.scalars(as: Float.self).map { $0 * 2 }
    let momentum = try earlier.state.entries["b"]!.slots[0].scalars(as: Float.self)
    try weights.train(&optimizer, steps: 3)
    #expect(try whole.scalars(as: Float.self) == old)
    #expect(try view.scalars(as: Float.self) == oldView)
    #expect(try pending.scalars(as: Float.self) == doubled)
    #expect(try earlier.state.entries["b"]!.slots[0].scalars(as: Float.self) == momentum)
    #expect(try weights.b.value.scalars(as: Float.self) != old)
  }
}
