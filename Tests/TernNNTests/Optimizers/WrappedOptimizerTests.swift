// SPDX-License-Identifier: MIT
import Tern
import TernNN
import TestSupport
import Testing

@Suite struct WrappedOptimizerTests {
  private struct Net: Module {
    let weight: Parameter
    let bias: Parameter

    init(on device: Device = .cpu) {
      weight = Parameter(sampleTensor([3, 5], on: device))
      bias = Parameter(sampleTensor([7], on: device))
    }

    func gradients(_ t: Int) -> Gradients {
      Gradients(
        parameters: parameters(),
        values: parameters().map { sampleTensor($0.parameter.shape, phase: Double(t), on: $0.parameter.value.device) })
    }

    /// Steps, with the learning rate halved in the middle.
    func train(_ optimizer: inout some Optimizer) throws {
      for t in 0..<6 {
        if t == 3 { optimizer.learningRate /= 2 }
        try optimizer.update(self, with: gradients(t))
      }
    }
  }

  @Test(arguments: Device.all) func eachGroupHasItsOwnSettings(_ device: Device) throws {
    func optimizer(_ rate: Double, _ decay: Double) -> AdamW { AdamW(learningRate: rate, weightDecay: decay) }
    let net = Net(on: device)
    var grouped = ParameterGroups(
      optimizer(0.02, 0.1), .init(optimizer(0.05, 0)) { $0 == "bias" }, .init(optimizer(9, 9)) { $0.hasSuffix("s") })
    try net.train(&grouped)
    // As if each had the model for itself.
    for (name, rate, decay) in [("weight", 0.02, 0.1), ("bias", 0.05, 0)] {
      let alone = Net(on: device)
      var optimizer = optimizer(rate, decay)
      try alone.train(&optimizer)
      try expectClose(
        net.parameters()[name]!.value, alone.parameters()[name]!.value.scalars(as: Double.self), relative: 1e-5, name)
    }
    #expect(grouped.state.entries.keys.sorted() == ["bias", "weight"])
    #expect(grouped.learningRate == 0.01)
  }

  @Test(arguments: Device.all, [false, true]) func averagesFollowTheWeights(_ device: Device, warmsUp: Bool) throws {
    let (net, plain) = (Net(on: device), Net(on: device))
    var averaged = AveragedWeights(SGD(learningRate: 0.1, momentum: 0.9), decay: 0.75, warmsUp: warmsUp)
    var optimizer = SGD(learningRate: 0.1, momentum: 0.9)
    #expect(averaged.slotNames == ["momentum", "average"])
    #expect(averaged.average(of: "weight") == nil)
    var average: [Double] = []
    for t in 1...9 {
      try averaged.update(net, with: net.gradients(t))
      try optimizer.update(plain, with: plain.gradients(t))
      let weights = try net.weight.value.scalars(as: Double.self)
      let decay = t == 1 ? 0 : warmsUp ? min(0.75, Double(t) / Double(t + 10)) : 0.75
      average = average.isEmpty ? weights : zip(average, weights).map { decay * $0 + (1 - decay) * $1 }
    }
    // The weights themselves are those without averaging.
    let weights = try net.weight.value.scalars(as: Double.self)
    #expect(try plain.weight.value.scalars(as: Double.self) == weights)
    try expectClose(#require(averaged.average(of: "weight")), average)
    try averaged.withAverages(in: net) { try expectClose(net.weight.value, average) }
    #expect(try net.weight.value.scalars(as: Double.self) == weights)
  }

  @Test func groupsMustRememberTheSame() async {
    await #expect(processExitsWith: .failure) {
      _ = ParameterGroups(SGD(learningRate: 1), .init(SGD(learningRate: 1, momentum: 0.9)) { _ in true })
    }
  }
}
