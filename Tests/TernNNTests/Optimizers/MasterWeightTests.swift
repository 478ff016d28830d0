// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern
@testable import TernNN

/// Parameters of half types are trained in Float32.
@Suite struct MasterWeightTests {
  private struct Weights: Module {
    let a: Parameter
    let b: Parameter

    /// Values that every half type has.
    init(on device: Device) {
      func values(_ count: Int) -> [Float] { (0..<count).map { Float(($0 * 5) % 7 - 3) / 4 } }
      a = Parameter(Tensor(values(33), shape: [3, 11], on: device))
      b = Parameter(Tensor(values(5), on: device))
    }

    /// Gradients that every half type has, others at each step.
    func gradients(_ step: Int) -> Gradients {
      Gradients(
        parameters: parameters(),
        values: [a, b].map { parameter in
          let count = parameter.shape.reduce(1, *)
          let numbers = (0..<count).map { Float(($0 * 3 + step) % 5 - 2) / 8 }
          return Tensor(numbers, shape: parameter.shape, on: parameter.value.device).cast(to: parameter.value.dtype)
        })
    }
  }

  private static var optimizers: [any Optimizer] {
    [
      SGD(learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 0.01), Adam(amsgrad: true), AdamW(),
      Adagrad(), Adadelta(), Adamax(), NAdam(), RAdam(), RMSprop(momentum: 0.5, centered: true), Lion(), LAMB(),
      AveragedWeights(AdamW(amsgrad: true), decay: 0.5),
      ParameterGroups(Adam(), .init(Adam(weightDecay: 0.1)) { $0 == "b" }),
    ]
  }

  @Test(arguments: Device.all) func mastersTakeTheStepsOfFloat32(_ device: Device) throws {
    for dtype in [DType.float16, .bfloat16] {
      for optimizer in Self.optimizers {
        func check(_ optimizer: some Optimizer) throws {
          let (whole, half) = (Weights(on: device), Weights(on: device))
          half.cast(to: dtype)
          var (first, second) = (optimizer, optimizer)
          for step in 0..<3 {
            try first.update(whole, with: whole.gradients(step))
            try second.update(half, with: half.gradients(step))
          }
          for (name, parameter) in half.parameters() {
            let entry = second.state.entries[name]!, wanted = first.state.entries[name]!
            #expect(parameter.value.dtype == dtype && entry.slots.allSatisfy { $0.dtype == .float32 })
            let master = try #require(entry.master)
            let value = try whole.parameters()[name]!.value.scalars(as: Float.self)
            let what = "\(type(of: optimizer)), \(dtype) on \(device)"
            #expect(try master.scalars(as: Float.self) == value, "\(what)")
            #expect(
              try entry.slots.map { try $0.scalars(as: Float.self) }
                == wanted.slots.map { try $0.scalars(as: Float.self) }, "\(what)")
            #expect(
              try parameter.value.scalars(as: Float.self) == master.cast(to: dtype).scalars(as: Float.self), "\(what)")
          }
        }
        try check(optimizer)
      }
    }
  }

  @Test func stepsTooSmallForAHalfNumberAddUp() throws {
    let cell = Parameter(Tensor([1, -1], on: .cpu).cast(to: .bfloat16))
    var optimizer = SGD(learningRate: 1e-4)
    let parameters = Sequence(cells: [cell]).parameters()
    for _ in 0..<100 {
      let gradients = Gradients(parameters: parameters, values: [Tensor([1, 1], on: .cpu).cast(to: .bfloat16)])
      try optimizer.update(parameters, with: gradients)
    }
    try expectClose(cell.value, [0.99, -1.01], absolute: 0x1p-8)
  }

  private struct Sequence: Module {
    let cells: [Parameter]
  }

  /// Elements that something else has set since the last step start from what they were set to, the others from their
  /// masters.
  @Test func mastersFollowParametersThatAreSet() throws {
    let cell = Parameter(Tensor([1, 1, 1], on: .cpu).cast(to: .float16))
    let parameters = Sequence(cells: [cell]).parameters()
    var optimizer = SGD(learningRate: 1e-5)
    func step() throws {
      try optimizer.update(
        parameters, with: Gradients(parameters: parameters, values: [Tensor.ones([3], on: .cpu)]))
    }
    try step()
    cell.value = concatenated([cell.value[0..<1], Tensor([0.5, .nan], on: .cpu).cast(to: .float16)], along: 0)
    try step()
    let master = optimizer.state.entries["cells.0"]!.master!
    try expectClose(master, [1 - 2e-5, 0.5 - 1e-5, .nan], relative: 1e-7, absolute: 0)
    // A parameter that has become wide is its own master.
    Sequence(cells: [cell]).cast(to: .float32)
    try step()
    #expect(optimizer.state.entries["cells.0"]!.master == nil)
  }

  @Test(arguments: Device.all) func memoryIsReusedFromStepToStep(_ device: Device) throws {
    let weights = Weights(on: device)
    weights.cast(to: .float16)
    var optimizer = Adam()
    func places() -> [UnsafeMutableRawPointer?] {
      weights.parameters().flatMap { name, parameter in
        let entry = optimizer.state.entries[name]!
        return ([parameter.value, entry.master!] + entry.slots).map { $0.view.storage.handle }
      }
    }
    for step in 0..<2 { try optimizer.update(weights, with: weights.gradients(step)) }
    let before = places()
    try optimizer.update(weights, with: weights.gradients(2))
    #expect(places() == before)
  }
}
