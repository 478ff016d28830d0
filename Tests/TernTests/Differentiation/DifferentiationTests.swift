// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct DifferentiationTests {
  @Test(arguments: Device.all) func gradientsOfAnyInput(_ device: Device) throws {
    let (x, y) = (sampleTensor([3], on: device), sampleTensor([3], phase: 1, on: device))
    let (value, gradients) = valueAndGradients(at: [x, y]) { ($0[0] * $0[1] + square($0[0])).sum() }
    let (u, v) = (try x.scalars(as: Double.self), try y.scalars(as: Double.self))
    try expectClose(value, [zip(u, v).map { $0 * $1 + $0 * $0 }.reduce(0, +)])
    try expectClose(gradients[0], zip(u, v).map { $1 + 2 * $0 })
    try expectClose(gradients[1], u)
  }

  @Test func independentInputsGetZeros() throws {
    let x = sampleTensor([2, 3], on: .cpu)
    let gradients = valueAndGradients(at: [x, x]) { $0[0].sum() }.gradients
    try expectClose(gradients[0], [Double](repeating: 1, count: 6))
    try expectClose(gradients[1], [Double](repeating: 0, count: 6))
    let none = gradient(at: x) { _ in Tensor(3, on: .cpu) }
    #expect(none.shape == [2, 3])
  }

  @Test func nothingIsRecordedOutside() {
    let x = sampleTensor([3], on: .cpu)
    #expect(exp(x * 2).node == nil)
    var inside: Tensor?
    let (value, gradient) = valueAndGradient(at: x) { leaf -> Tensor in
      inside = exp(leaf)
      return inside!.sum()
    }
    #expect(inside!.node != nil)
    #expect(value.node == nil)
    #expect(gradient.node == nil)
  }

  @Test func detachedPartsAreConstant() throws {
    let x = Tensor([3 as Float], on: .cpu)
    try expectClose(gradient(at: x) { ($0 * $0.detached()).sum() }, [3])
  }

  @Test(arguments: Device.all) func nestedScopesGiveHigherDerivatives(_ device: Device) throws {
    let x = Tensor([0.7 as Float, -1.2], on: device)
    let values = try x.scalars(as: Double.self)
    // The third derivative of x^4 is 24 x.
    let third = gradient(at: x) { x in
      gradient(at: x, createGraph: true) { x in
        gradient(at: x, createGraph: true) { pow($0, 4).sum() }.sum()
      }.sum()
    }
    try expectClose(third, values.map { 24 * $0 }, relative: 1e-4)
  }

  @Test func anInnerScopeWithoutGraphIsAConstantToTheOuterOne() throws {
    let x = Tensor([2 as Float], on: .cpu)
    let result = gradient(at: x) { x in
      let (value, inner) = valueAndGradient(at: x) { pow($0, 3).sum() }
      return value + (inner * x).sum()
    }
    // d/dx (x^3 + c x) with c = 3 x^2 held constant.
    try expectClose(result, [24])
  }

  @Test(arguments: Device.all) func gradientPenaltyOfANetwork(_ device: Device) throws {
    let x = sampleTensor([4, 3], on: device)
    let w = sampleTensor([5, 3], phase: 1, on: device)
    let v = sampleTensor([1, 5], phase: 2, on: device)
    try expectGradients([w, v], tolerance: 6e-3) { weights in
      let slope = gradient(at: x, createGraph: true) { linear(tanh(linear($0, weights[0])), weights[1]).sum() }
      return square(sqrt(slope.sumOfSquares(along: [1]) + 1e-6) - 1).mean()
    }
  }

  /// Far too long for a call for each node: a thread's stack has 8 MB at most.
  @Test func longChainsNeitherOverflowNorStay() throws {
    let before = Node.livingCount
    let x = Tensor([1 as Float], on: .cpu)
    func chain(_ leaf: Tensor) -> Tensor { (0..<250_000).reduce(leaf) { y, _ in -y } }
    try expectClose(gradient(at: x) { chain($0).sum() }, [1])
    // Thrown away unread.
    _ = valueAndGradient(at: x) { ($0 + chain($0).detached()).sum() }
    // Other tests may hold a few nodes at this moment, but no chain.
    #expect(Node.livingCount < before + 10_000)
  }

  @Test func modeIsTrainingInsideUnlessGiven() {
    let x = Tensor([1 as Float], on: .cpu)
    #expect(Mode.current == .inference)
    _ = gradient(at: x) { leaf in
      #expect(Mode.current == .training)
      return leaf.sum()
    }
    _ = gradient(at: x, mode: .inference) { leaf in
      #expect(Mode.current == .inference)
      return leaf.sum()
    }
  }

  @Test func mistakesTrapWithTheOperation() async {
    let once = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      func once(_ x: Tensor) -> Tensor {
        customGradient(
          at: x, name: "once", isDifferentiableTwice: false, { $0 * 2 }, pullback: { gradient, _ in gradient * 2 })
      }
      _ = gradient(at: Tensor.ones([1], on: .cpu), createGraph: true) { once($0).sum() }
    }
    #expect(message(of: once).contains("once: has no second derivative"))
    let shape = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = gradient(at: Tensor.ones([2, 3], on: .cpu)) { $0 * 2 }
    }
    #expect(message(of: shape).contains("[2, 3]"))
    await #expect(processExitsWith: .failure) { _ = gradient(at: Tensor([1, 2], on: .cpu)) { $0.sum() } }
  }

  @Test func mixedDevicesTrapAndSuggestTheCure() async throws {
    guard Device.all.count > 1 else {
      print("mixedDevicesTrapAndSuggestTheCure: skipped, there is no OpenCL device")
      return
    }
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([1 as Float], on: .cpu) + Tensor([1 as Float], on: Device.all[1])
    }
    #expect(message(of: result).contains("x.on(device)"))
  }

  @Test func gradientsCrossDevices() throws {
    for device in Device.all {
      let x = sampleTensor([4], on: .cpu)
      let slope = try valueAndGradient(at: x) { try square($0.on(device)).sum().on(.cpu) }.gradient
      try expectClose(slope, try x.scalars(as: Double.self).map { 2 * $0 })
    }
  }
}
