// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct LazinessTests {
  @Test(arguments: Device.all) func aChainIsOneProgram(_ device: Device) throws {
    let x = sampleTensor([1000], on: device)
    let y = sampleTensor([1000], phase: 1, on: device)
    let lazy = relu(x * 1.5 + y) * sigmoid(y) - 0.5 * tanh(x)
    #expect(lazy.value.isPending)
    let builder = {
      var b = ProgramBuilder()
      b.add(lazy.value)
      return b
    }()
    #expect(builder.inputs.count == 2)
    #expect(builder.fits)
    lazy.evaluated()
    #expect(!lazy.value.isPending)
    let expected = try zip(x.scalars(as: Double.self), y.scalars(as: Double.self)).map { x, y in
      Swift.max(x * 1.5 + y, 0) / (1 + exponential(-y)) - 0.5 * hyperbolicTangent(x)
    }
    try expectClose(lazy, expected)
  }

  @Test(arguments: Device.all) func longChainsAreCutAndStayRight(_ device: Device) throws {
    var x = sampleTensor([17], on: device)
    let start = try x.scalars(as: Double.self)
    for step in 0..<200 { x = x * 0.99 + Float(step % 3) }
    let expected = start.map { value in (0..<200).reduce(value) { $0 * 0.99 + Double($1 % 3) } }
    try expectClose(x, expected, relative: 1e-4)
  }

  @Test(arguments: Device.all) func manyInputsAreCutAndStayRight(_ device: Device) throws {
    let inputs = (0..<20).map { sampleTensor([9], phase: Double($0), on: device) }
    let sum = inputs.dropFirst().reduce(inputs[0]) { $0 + $1 }
    var expected = [Double](repeating: 0, count: 9)
    for input in inputs { for (i, v) in try input.scalars(as: Double.self).enumerated() { expected[i] += v } }
    try expectClose(sum, expected, absolute: 1e-5)
  }

  @Test func sharedPartsAppearOnce() throws {
    let x = sampleTensor([8], on: .cpu)
    let shared = exp(x)
    let both = shared * 2 + shared * shared
    var builder = ProgramBuilder()
    builder.add(both.value)
    #expect(builder.program(writing: [both.value]).instructions.count == 4)
  }

  @Test func aPartThatOthersNeedIsKept() throws {
    let x = sampleTensor([8], on: .cpu)
    let shared = exp(x)
    let (one, other) = (shared * 2, shared + 1)
    one.evaluated()
    #expect(!shared.value.isPending)
    #expect(other.value.isPending)
    try expectClose(other, try x.scalars(as: Double.self).map { exponential($0) + 1 })
  }

  @Test(arguments: Device.all) func evaluatingGroupsTogetherIsRight(_ device: Device) throws {
    let parameters = [[3], [4, 5], [1]].map { sampleTensor($0, on: device) }
    let moments = parameters.map { Tensor.zeros($0.shape, on: device) }
    let updates = zip(parameters, moments).map { parameter, moment -> [Tensor] in
      let next = moment * 0.9 + square(parameter)
      return [parameter - next * 0.1, next]
    }
    Tensor.evaluate(updates)
    for (update, parameter) in zip(updates, parameters) {
      #expect(update.allSatisfy { !$0.value.isPending })
      let values = try parameter.scalars(as: Double.self)
      try expectClose(update[0], values.map { $0 - 0.1 * $0 * $0 })
      try expectClose(update[1], values.map { $0 * $0 })
    }
  }

  @Test(arguments: Device.all) func constantsTakeNoMemoryUntilRead(_ device: Device) throws {
    let zeros = Tensor.zeros([1 << 20], on: device)
    guard case .constant = zeros.value.snapshot else { return #expect(Bool(false), "a fill is stored at once") }
    try expectClose(zeros.broadcast(to: [2, 1 << 20])[1, 0..<3] + 1, [1, 1, 1])
    #expect(try Tensor.full([2], 7, dtype: .int32, on: device).scalars(as: Int.self) == [7, 7])
  }

  /// In a process of its own, since other tests use the same pools.
  @Test func valuesUnreadForManyStepsDoNotPileUp() async {
    await #expect(processExitsWith: .success) {
      for device in Device.all {
        var average = Tensor.zeros([16], on: device)
        let x = sampleTensor([16], on: device)
        for _ in 0..<10 { average = (average * 0.9 + x * 0.1).evaluated() }
        try device.synchronize()
        let before = device.memory
        for _ in 0..<10_000 { average = (average * 0.9 + x * 0.1).evaluated() }
        try device.synchronize()
        let after = device.memory
        precondition(after.inUse <= before.inUse && after.pooled <= before.pooled + 65_536, "memory grew on \(device)")
        try expectClose(average, try x.scalars(as: Double.self), relative: 1e-4, absolute: 1e-4)
      }
    }
  }
}

private func exponential(_ x: Double) -> Double { Foundation.exp(x) }
private func hyperbolicTangent(_ x: Double) -> Double { Foundation.tanh(x) }
