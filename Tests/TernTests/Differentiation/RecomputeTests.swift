// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct RecomputeTests {
  /// A block with saved inputs and outputs, a captured weight and a mask.
  private func block(_ x: Tensor, _ w: Tensor, _ generator: RandomGenerator) -> Tensor {
    dropout(tanh(matmul(x, w)) * x, probability: 0.3, generator: generator)
  }

  @Test(arguments: Device.all) func valueAndGradientsAreThoseWithoutIt(_ device: Device) throws {
    let (x, w) = (sampleTensor([5, 4], on: device), sampleTensor([4, 4], phase: 1, on: device))
    func run(_ wrap: (Tensor, @escaping (Tensor) -> Tensor) -> Tensor) -> (value: Tensor, gradients: [Tensor]) {
      let generator = RandomGenerator(seed: 7)
      return valueAndGradients(at: [x, w]) { leaves in
        var h = leaves[0]
        for _ in 0..<3 { h = wrap(h) { self.block($0, leaves[1], generator) } }
        return (h * h).sum()
      }
    }
    let plain = run { $1($0) }
    let again = run { recompute($0, $1) }
    #expect(try again.value.scalars(as: Float.self) == plain.value.scalars(as: Float.self))
    for (a, b) in zip(again.gradients, plain.gradients) {
      try expectClose(a, b.scalars(as: Double.self), relative: 1e-6)
    }
  }

  @Test func theBlockRunsTwiceAndDrawsOnce() throws {
    let x = sampleTensor([64], on: .cpu)
    let generator = RandomGenerator(seed: 3)
    var runs = 0
    let slope = gradient(at: x) { x in
      recompute(x) {
        runs += 1
        return dropout($0, probability: 0.5, generator: generator)
      }.sum()
    }
    #expect(runs == 2)
    #expect(generator.state.stream == 1)
    let mask = Tensor.randomMask([64], keeping: 0.5, generator: RandomGenerator(seed: 3), dtype: .float32, on: .cpu)
    try expectClose(slope, mask.scalars(as: Double.self).map { 2 * $0 })
  }

  @Test func theModeAndTheDeviceAreThoseOfTheFirstRun() throws {
    var met: [(Mode, Device)] = []
    let x = sampleTensor([2], on: .cpu)
    _ = gradient(at: x) { x in
      withMode(.inference) {
        recompute(x) {
          met.append((.current, .current))
          return exp($0)
        }
      }.sum()
    }
    #expect(met.count == 2)
    #expect(met.allSatisfy { $0.0 == .inference && $0.1 == met[0].1 })
  }

  @Test func blocksNest() throws {
    let x = sampleTensor([6], on: .cpu)
    let generator = RandomGenerator(seed: 5)
    func body(_ x: Tensor) -> Tensor { sin(dropout(x, probability: 0.4, generator: generator)) }
    let plain = gradient(at: x) { body(body($0)).sum() }
    generator.state = .init(seed: 5)
    let nested = gradient(at: x) { recompute($0) { body(recompute($0) { body($0) }) }.sum() }
    #expect(try nested.scalars(as: Float.self) == plain.scalars(as: Float.self))
    #expect(generator.state.stream == 2)
  }

  @Test func aBlockMayReturnWhatItWasGiven() throws {
    let x = sampleTensor([3], on: .cpu)
    try expectClose(gradient(at: x) { (recompute($0) { $0 } * 3).sum() }, [3, 3, 3])
    try expectClose(gradient(at: x) { x in (recompute(x) { _ in x } * 3).sum() }, [3, 3, 3])
  }

  @Test func outsideAScopeItIsTheBlock() throws {
    let x = sampleTensor([3], on: .cpu)
    let y = recompute(x) { $0 + 1 }
    #expect(y.node == nil)
    try expectClose(y, x.scalars(as: Double.self).map { $0 + 1 })
  }

  @Test(arguments: Device.all) func secondDerivativesGoThroughIt(_ device: Device) throws {
    try expectGradients([sampleTensor([4], on: device)]) { inputs in
      gradient(at: inputs[0], createGraph: true) { x in recompute(x) { sin($0) * $0 }.sum() }
    }
  }

  /// In a process of its own: memory in use and living nodes are counted for all.
  @Test func onlyInputsStayInMemory() async {
    await #expect(processExitsWith: .success) {
      let size = 1 << 18
      let x = Tensor.ones([size], on: .cpu)
      func kept(_ wrap: (Tensor, @escaping (Tensor) -> Tensor) -> Tensor) -> (bytes: Int, nodes: Int) {
        let before = (Device.cpu.memory.inUse, Node.livingCount)
        var after = before
        _ = gradient(at: x) { x in
          let h = (0..<3).reduce(x) { h, _ in wrap(h) { (0..<8).reduce($0) { h, _ in tanh(h).evaluated() } } }
          after = (Device.cpu.memory.inUse, Node.livingCount)
          return h.sum()
        }
        return (after.0 - before.0, after.1 - before.1)
      }
      let (plain, again) = (kept { $1($0) }, kept { recompute($0, $1) })
      precondition(plain.bytes == 24 * 4 * size && plain.nodes == 25, "\(plain)")
      precondition(again.bytes == 3 * 4 * size && again.nodes == 4, "\(again)")
      precondition(Node.livingCount == 0)
    }
  }

  @Test func anInnerScopeTraps() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor([1 as Float], on: .cpu)
      _ = gradient(at: x) { recompute($0) { gradient(at: $0) { $0.sum() } }.sum() }
    }
  }
}
