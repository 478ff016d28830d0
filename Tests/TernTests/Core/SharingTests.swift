// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import Tern

/// Tensors are `Sendable`: several threads may force, use and differentiate the same ones. `make sanitize` runs these
/// tests under ThreadSanitizer.
@Suite struct SharingTests {
  /// Calls `body` with 0 ..< 4, each on a thread of its own, all at about the same time.
  private static func onThreads<T: Sendable>(_ body: @escaping @Sendable (Int) throws -> T) throws -> [T] {
    let results = Lock<[Int: Result<T, any Error>]>([:])
    let (ready, done) = (DispatchSemaphore(value: 0), DispatchGroup())
    for number in 0..<4 {
      done.enter()
      Thread.detachNewThread {
        ready.wait()
        let result = Result { try body(number) }
        results.withLock { $0[number] = result }
        done.leave()
      }
    }
    for _ in 0..<4 { ready.signal() }
    done.wait()
    return try (0..<4).map { number in try results.withLock { $0[number]! }.get() }
  }

  @Test(arguments: Device.all) func pendingValuesAreForcedByManyThreads(_ device: Device) throws {
    for round in 0..<10 {
      let x = Tensor([1, 2, 3] as [Float], on: device)
      let pending = x * 2 + Float(round)
      let sums = try Self.onThreads { number in
        try ((pending * Float(number)).sum() + pending[0]).scalar(as: Float.self)
      }
      #expect(sums == (0..<4).map { Float($0) * Float(12 + 3 * round) + Float(2 + round) })
    }
  }

  @Test(arguments: Device.all) func gradientsOfSharedTensorsAreIndependent(_ device: Device) throws {
    let weights = Tensor([1, -2, 3, -4] as [Float], shape: [2, 2], on: device) * 1
    let gradients = try Self.onThreads { number in
      let x = Tensor([Float(number), 1], shape: [1, 2], on: device)
      return try gradient(at: x) { matmul($0, weights).sum() }.scalars(as: Float.self)
    }
    #expect(gradients == Array(repeating: [-1, -1], count: 4))
  }

  @Test(arguments: Device.all) func leavesOfOneScopeAreUsedByManyThreads(_ device: Device) throws {
    let x = Tensor([1, 2, 3] as [Float], on: device)
    let slope = try gradient(at: x) { x in
      try Self.onThreads { number in x * Float(number + 1) }.reduce(Tensor.zeros([3], on: device), +).sum()
    }
    #expect(try slope.scalars(as: Float.self) == [10, 10, 10])
  }

  @Test func oneGeneratorServesManyThreads() throws {
    let generator = RandomGenerator(seed: 7)
    let draws = try Self.onThreads { _ in
      try Tensor.randomUniform([8], generator: generator, on: .cpu).scalars(as: Float.self)
    }
    let again = RandomGenerator(seed: 7)
    let expected = try (0..<4).map { _ in
      try Tensor.randomUniform([8], generator: again, on: .cpu).scalars(as: Float.self)
    }
    #expect(Set(draws) == Set(expected), "each thread gets a part of the stream of its own")
  }

  @Test(arguments: Device.all) func copiesToOtherDevicesRunSideBySide(_ device: Device) throws {
    let x = (Tensor([1, 2, 3] as [Float], on: device) + 1).evaluated()
    let others = Device.all
    let sums = try Self.onThreads { number in
      let copy = try x.on(others[number % others.count])
      return try (copy * Float(number)).sum().on(device).scalar(as: Float.self)
    }
    #expect(sums == [0, 9, 18, 27])
  }
}
