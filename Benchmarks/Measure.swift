// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// A case made ready on a device, and the times of its steps so far.
final class Subject {
  private let name: String
  private let device: Device
  private let step: Case.Step
  private(set) var times: [Double] = []

  /// Makes the inputs and runs the first steps, in which kernels are compiled and memory is fetched.
  init(_ benchmark: Case, on device: Device, warmUp: Int = 3) throws {
    self.device = device
    name = benchmark.name
    step = try device.span("\(name): warm-up") {
      let step = try benchmark.prepare(device)
      for _ in 0..<warmUp { try step() }
      try device.synchronize()
      return step
    }
  }

  /// Runs steps for so many seconds, and at least so many; each is timed with its result ready.
  func burst(seconds: Double, atLeast count: Int) throws {
    try device.span(name) { try run(seconds: seconds, atLeast: count) }
  }

  private func run(seconds: Double, atLeast count: Int) throws {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: .seconds(seconds))
    var done = 0
    while clock.now < end || done < count {
      let time = try clock.measure {
        try step()
        try device.synchronize()
      }
      times.append(time / .seconds(1))
      done += 1
    }
  }

  /// Forgets the times, so that the next burst stands for itself.
  func restart() { times.removeAll(keepingCapacity: true) }
}

/// Times one case on several devices in bursts that take turns, so that a drift of the machine's speed meets all alike.
/// A device on which the case fails gets an outcome without a rate; the reason goes to standard error.
func measure(_ benchmark: Case, on devices: [Device], seconds: Double, rounds: Int = 4) -> [Outcome] {
  func attempt<T>(_ device: Device, _ body: () throws -> T) -> T? {
    do {
      return try body()
    } catch {
      writeToStandardError("\(benchmark.name) on \(device): \(reason(of: error))\n")
      return nil
    }
  }

  var subjects = devices.map { device in attempt(device) { try Subject(benchmark, on: device) } }
  for round in 0..<rounds {
    let order = round % 2 == 0 ? Array(devices.indices) : devices.indices.reversed()
    for index in order {
      guard let subject = subjects[index] else { continue }
      let burst: Void? = attempt(devices[index]) {
        try subject.burst(seconds: seconds / Double(rounds), atLeast: 2)
      }
      if burst == nil { subjects[index] = nil }
    }
  }
  return zip(devices, subjects).map { Outcome(benchmark, device: $0, times: $1?.times ?? []) }
}
