// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

/// Ten steps of each rule against the rule's definition in Float64, element by element.
@Suite struct OptimizerTests {
  /// One number's optimizer: the gradient of step t (from 1) and the weight give the new weight.
  typealias Rule = (_ weight: Double, _ gradient: Double, _ t: Int, _ state: inout [Double]) -> Double

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable () -> any Optimizer
    let rule: @Sendable (Double, Double, Int, inout [Double]) -> Double
    var testDescription: String { name }
  }

  static func sgd(
    _ name: String, rate: Double, momentum: Double = 0, nesterov: Bool = false, dampening: Double = 0, decay: Double = 0
  ) -> Case {
    Case(name: "SGD \(name)") {
      SGD(learningRate: rate, momentum: momentum, nesterov: nesterov, dampening: dampening, weightDecay: decay)
    } rule: { w, g, t, state in
      let g = g + decay * w
      state[0] = t == 1 ? g : momentum * state[0] + (1 - dampening) * g
      return w - rate * (momentum == 0 ? g : nesterov ? g + momentum * state[0] : state[0])
    }
  }

  static func adam(
    _ name: String, rate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, decay: Double = 0,
    decoupled: Bool = false, amsgrad: Bool = false
  ) -> Case {
    Case(name: "\(decoupled ? "AdamW" : "Adam") \(name)") {
      if decoupled {
        return AdamW(learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: decay, amsgrad: amsgrad)
      }
      return Adam(learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: decay, amsgrad: amsgrad)
    } rule: { w, g, t, state in
      let g = decoupled ? g : g + decay * w
      let w = decoupled ? w * (1 - rate * decay) : w
      state[0] = betas.0 * state[0] + (1 - betas.0) * g
      state[1] = betas.1 * state[1] + (1 - betas.1) * g * g
      state[2] = max(state[2], state[1])
      let mean = state[0] / (1 - pow(betas.0, Double(t)))
      let variance = (amsgrad ? state[2] : state[1]) / (1 - pow(betas.1, Double(t)))
      return w - rate * mean / (variance.squareRoot() + epsilon)
    }
  }

  static func rmsprop(
    _ name: String, rate: Double, smoothing: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
    centered: Bool = false, decay: Double = 0
  ) -> Case {
    Case(name: "RMSprop \(name)") {
      RMSprop(
        learningRate: rate, smoothing: smoothing, epsilon: epsilon, momentum: momentum, centered: centered,
        weightDecay: decay)
    } rule: { w, g, t, state in
      let g = g + decay * w
      state[0] = smoothing * state[0] + (1 - smoothing) * g * g
      state[1] = smoothing * state[1] + (1 - smoothing) * g
      let variance = state[0] - (centered ? state[1] * state[1] : 0)
      state[2] = momentum * state[2] + g / (variance.squareRoot() + epsilon)
      return w - rate * state[2]
    }
  }

  static let cases: [Case] = [
    sgd("plain", rate: 0.1), sgd("decay", rate: 0.1, decay: 0.3), sgd("momentum", rate: 0.05, momentum: 0.9),
    sgd("nesterov", rate: 0.05, momentum: 0.8, nesterov: true, decay: 0.05),
    sgd("dampening", rate: 0.02, momentum: 0.9, dampening: 0.3, decay: 0.01),
    adam("defaults", rate: 0.01), adam("betas", rate: 0.05, betas: (0.8, 0.99), epsilon: 1e-6),
    adam("decay", rate: 0.01, decay: 0.1), adam("amsgrad", rate: 0.02, betas: (0.9, 0.5), amsgrad: true),
    adam("epsilon", rate: 0.02, epsilon: 0.05), adam("defaults", rate: 0.01, decay: 0.01, decoupled: true),
    adam("all", rate: 0.02, betas: (0.85, 0.6), epsilon: 1e-3, decay: 0.3, decoupled: true, amsgrad: true),
    rmsprop("defaults", rate: 0.01), rmsprop("momentum", rate: 0.02, smoothing: 0.9, momentum: 0.9),
    rmsprop("centered", rate: 0.01, smoothing: 0.95, epsilon: 1e-2, centered: true, decay: 0.01),
    rmsprop("all", rate: 0.02, smoothing: 0.9, epsilon: 0.05, momentum: 0.5, centered: true, decay: 0.1),
  ]

  fileprivate struct Cells: Module { let cells: [Parameter] }

  /// Odd sizes, and two parameters of one shape.
  private static let shapes = [[3, 5], [33], [1], [3, 5]]

  /// Gradients of changing size and sign; every ninth is 0 at first.
  private static func gradient(_ position: Int, _ t: Int) -> [Float] {
    var values = sample(shapes[position], scale: 1 + Double(t % 3), phase: Double(7 * position + 3 * t))
    if t < 3 { for index in stride(from: 0, to: values.count, by: 9) { values[index] = 0 } }
    return values
  }

  @Test(arguments: Device.all, cases) func tenStepsFollowTheDefinition(_ device: Device, _ c: Case) throws {
    try Self.check(c, on: device, steps: 10)
  }

  /// Few steps elsewhere than on the CPU: a program that comes again and again is compiled, which takes longer than all
  /// of this.
  @Test(arguments: Device.all, adaptiveCases) func furtherRulesFollowTheirDefinitions(_ device: Device, _ c: Case)
    throws
  {
    try Self.check(c, on: device, steps: device == .cpu ? 10 : 2)
  }

  private static func check(_ c: Case, on device: Device, steps: Int) throws {
    var optimizer = c.make()
    let parameters = Cells(
      cells: shapes.enumerated().map { Parameter(sampleTensor($1, phase: Double($0), on: device)) }
    ).parameters()
    var weights = try parameters.map { try $0.parameter.value.scalars(as: Double.self) }
    var states = weights.map { [[Double]](repeating: [0, 0, 0], count: $0.count) }
    for t in 1...steps {
      let gradients = shapes.indices.map { gradient($0, t) }
      try optimizer.update(
        parameters,
        with: Gradients(
          parameters: parameters,
          values: zip(gradients, shapes).map { Tensor($0, shape: $1, on: device) }))
      for position in weights.indices {
        for index in weights[position].indices {
          weights[position][index] = c.rule(
            weights[position][index], Double(gradients[position][index]), t, &states[position][index])
        }
        try expectClose(
          parameters[position].parameter.value, weights[position], relative: 2e-5, absolute: 2e-6,
          "\(c.name) step \(t) parameter \(position)")
      }
    }
  }

  /// In a process of its own, since the counters are those of the whole process.
  /// One for each dtype among the parameters.
  @Test func anUpdateIsOneLaunchForAnyNumberOfParameters() async {
    await #expect(processExitsWith: .success) {
      for device in Device.all where device != .cpu {
        let half = [DType.float16, .bfloat16]
        for (make, dtypes) in [
          ({ Adam() as any Optimizer }, [DType.float32]), ({ SGD(learningRate: 0.1, momentum: 0.9) }, [.float32]),
          ({ RMSprop() }, [.float32]), ({ AveragedWeights(NAdam()) }, [.float32]), ({ AveragedWeights(NAdam()) }, half),
        ] {
          var optimizer = make()
          let cells = (1...6).map { count in
            Parameter(sampleTensor([count, 7], on: device).cast(to: dtypes[count % dtypes.count]).evaluated())
          }
          let parameters = Cells(cells: cells).parameters()
          let gradients = Gradients(parameters: parameters, values: parameters.map { $0.parameter.value })
          // Until the device has had enough of interpreting the rule.
          for _ in 0..<50 { try optimizer.update(parameters, with: gradients) }
          let before = device.statistics
          try optimizer.update(parameters, with: gradients)
          let spent = device.statistics - before
          #expect(spent.launches == dtypes.count, "\(type(of: optimizer)), \(dtypes): \(spent)")
          #expect(spent.hostSyncs == 0)
        }
        // A process must not end while a driver's threads still compute.
        try device.synchronize()
      }
    }
  }

  /// Then the mean of squares and the square of the mean differ by rounding only.
  @Test func centeredRMSpropSurvivesASteadyGradient() throws {
    let cells = Cells(cells: [Parameter(Tensor([0 as Float], on: .cpu))]).parameters()
    var optimizer = RMSprop(learningRate: 1e-9, centered: true)
    for step in 0..<1500 {
      let gradient = Tensor([step < 10 ? 1 : 0.1 as Float], on: .cpu)
      try optimizer.update(cells, with: Gradients(parameters: cells, values: [gradient]))
    }
    #expect(try cells[0].parameter.value.scalar(as: Float.self).isFinite)
  }

  @Test func frozenParametersStay() throws {
    let cells = Cells(cells: [Parameter(sampleTensor([2])), Parameter(sampleTensor([2]))])
    let all = cells.parameters()
    let gradients = Gradients(parameters: all, values: all.map { _ in Tensor.ones([2], on: .cpu) })
    cells.cells[0].isTrainable = false
    var optimizer = SGD(learningRate: 1)
    try optimizer.update(all, with: gradients)
    try expectClose(cells.cells[0].value, doubles(sample([2])))
    try expectClose(cells.cells[1].value, doubles(sample([2])).map { $0 - 1 })
  }

  @Test func stateIsKeyedByName() throws {
    let model = Sequential(Linear(2, 3), Linear(3, 1, bias: false))
    var optimizer = Adam()
    let gradients = valueAndGradients(of: model) { model(Tensor.ones([1, 2])).sum() }.gradients
    try optimizer.update(model, with: gradients)
    try optimizer.update(model, with: gradients)
    #expect(optimizer.state.entries.keys.sorted() == ["0.bias", "0.weight", "1.weight"])
    #expect(optimizer.state.entries["0.weight"]?.steps == 2)
    #expect(optimizer.state.entries["0.weight"]?.slots.map(\.shape) == [[3, 2], [3, 2]])
    #expect(optimizer.slotNames == ["mean", "variance"])
  }

  @Test func nonsenseTraps() async {
    await #expect(processExitsWith: .failure) { _ = SGD(learningRate: -1) }
    await #expect(processExitsWith: .failure) { _ = SGD(learningRate: 1, nesterov: true) }
    await #expect(processExitsWith: .failure) { _ = Adam(betas: (0.9, 1)) }
    await #expect(processExitsWith: .failure) { _ = RMSprop(smoothing: 1.5) }
    await #expect(processExitsWith: .failure) {
      var optimizer = SGD(learningRate: 1)
      let (one, other) = (Linear(1, 1), Linear(1, 1))
      let gradients = valueAndGradients(of: one) { one(Tensor.ones([1, 1])).sum() }.gradients
      try optimizer.update(other.parameters(), with: gradients)
    }
  }
}
