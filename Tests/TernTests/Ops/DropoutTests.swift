// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct DropoutTests {
  @Test(arguments: Device.all) func wholeChannelsAreDropped(_ device: Device) throws {
    let x = sampleTensor([40, 3, 11], shift: 3, on: device).transposed([1, 0, 2])
    let factor = sampleTensor([3, 40, 11], phase: 1, on: device)
    func drop(_ x: Tensor) -> Tensor { channelDropout(x, probability: 0.25, generator: RandomGenerator(seed: 5)) }
    let y = withMode(.training) { drop(x) }
    #expect(y.shape == x.shape)
    let ratios = try (y / x).scalars(as: Float.self)
    var dropped = 0
    for channel in 0..<120 {
      let own = ratios[channel * 11..<(channel + 1) * 11]
      let isDropped = own.first == 0
      if isDropped { dropped += 1 }
      #expect(own.allSatisfy { isDropped ? $0 == 0 : abs($0 - 4 / 3) < 1e-5 }, "channel \(channel)")
    }
    // 30 expected, with a standard deviation of 4.7.
    #expect((12...48).contains(dropped))
    let gradient = gradient(at: x) { (drop($0) * factor).sum() }
    try expectClose(gradient, try (factor * y / x).scalars(as: Double.self), absolute: 1e-5)
    try expectClose(drop(x), try x.scalars(as: Double.self), relative: 0, absolute: 0)
  }

  @Test(arguments: Device.all) func alphaDropoutKeepsMeanAndVariance(_ device: Device) throws {
    let x = Tensor.randomNormal([200, 100], generator: RandomGenerator(seed: 2), on: device).evaluated()
    func drop(_ x: Tensor, byChannel: Bool = false) -> Tensor {
      alphaDropout(x, probability: 0.3, byChannel: byChannel, generator: RandomGenerator(seed: 6))
    }
    let y = withMode(.training) { drop(x) }
    // 20,000 numbers: standard errors of 0.007 and 0.01.
    #expect(try abs(y.mean().scalar(as: Float.self)) < 0.03)
    #expect(try abs(y.variance().scalar(as: Float.self) - 1) < 0.05)
    let s = 1.758_099_340_847_376_6
    let scale = 1 / (0.7 * (1 + 0.3 * s * s)).squareRoot()
    let (before, after) = (try x.scalars(as: Double.self), try y.scalars(as: Double.self))
    var kept = [Bool]()
    for (before, after) in zip(before, after) {
      let isDropped = abs(after - scale * s * (0.3 - 1)) < 1e-5
      kept.append(!isDropped)
      if !isDropped { try #require(abs(after - scale * (before + 0.3 * s)) < 1e-5) }
    }
    let share = Double(kept.count { $0 }) / 20_000
    #expect(abs(share - 0.7) < 0.015)
    try expectClose(gradient(at: x) { drop($0).sum() }, kept.map { $0 ? scale : 0 })
    // Each row is a sample, each column a channel of one element.
    let wide = withMode(.training) { drop(x.expanded(at: 2).broadcast(to: [200, 100, 2]), byChannel: true) }
    try expectClose(wide[.all, .all, 0], after, absolute: 1e-5)
  }

  @Test func wrongProbabilitiesAndShapesTrap() async {
    await #expect(processExitsWith: .failure) { _ = alphaDropout(Tensor.ones([2], on: .cpu), probability: 1) }
    await #expect(processExitsWith: .failure) {
      _ = withMode(.training) { channelDropout(Tensor.ones([2], on: .cpu), probability: 0.5) }
    }
  }
}
