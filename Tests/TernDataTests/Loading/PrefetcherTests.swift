// SPDX-License-Identifier: MIT
import Foundation
import Synchronization
import Testing

@testable import TernData

@Suite(.timeLimit(.minutes(10))) struct PrefetcherTests {
  private struct Broken: Error {}

  /// Counts up; `Sendable` so that the test can look on.
  private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .sequentiallyConsistent) }
    func next() -> Int { value.add(1, ordering: .sequentiallyConsistent).oldValue }
  }

  @Test(arguments: [1, 2, 7]) func keepsOrderAndNeverRunsFurtherAhead(depth: Int) throws {
    let counter = Counter()
    let prefetcher = try Prefetcher(depth: depth) { counter.next() }
    for expected in 0..<50 {
      #expect(try prefetcher.next() == expected)
      #expect(counter.count <= expected + 1 + depth + 1)  // taken, queued, and one waiting for room
    }
  }

  @Test func errorComesInItsTurnAndStays() throws {
    let counter = Counter()
    let prefetcher = try Prefetcher(depth: 4) {
      let number = counter.next()
      if number == 2 { throw Broken() }
      return number
    }
    #expect(try prefetcher.next() == 0)
    #expect(try prefetcher.next() == 1)
    for _ in 0..<3 { #expect(throws: Broken.self) { try prefetcher.next() } }
    #expect(counter.count == 3)
  }

  @Test func threadsEndWithTheirOwner() throws {
    final class Resource: Sendable {
      let counter: Counter
      init(_ counter: Counter) { self.counter = counter }
      deinit { _ = counter.next() }
    }
    let released = Counter()
    for round in 0..<100 {
      let resource = Resource(released)
      let prefetcher = try Prefetcher(depth: 2) { withExtendedLifetime(resource) { 1 } }
      if round % 2 == 0 { _ = try prefetcher.next() }
    }
    // Joined threads have let go of what their closures held.
    #expect(released.count == 100)
  }
}
