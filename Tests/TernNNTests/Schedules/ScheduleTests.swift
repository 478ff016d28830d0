// SPDX-License-Identifier: MIT
import Foundation
import TernNN
import Testing

@Suite struct ScheduleTests {
  private func expect(_ schedule: some Schedule, _ expected: [Int: Double]) {
    for (step, rate) in expected {
      #expect(abs(schedule.learningRate(at: step) - rate) < 1e-12, "\(schedule) at \(step)")
    }
  }

  @Test func stepDecayDropsAtTheInterval() {
    expect(StepDecay(initial: 0.8, every: 3, factor: 0.5), [0: 0.8, 2: 0.8, 3: 0.4, 5: 0.4, 6: 0.2, 30: 0.8 / 1024])
    #expect(StepDecay(initial: 1, every: 1).factor == 0.1)
  }

  @Test func exponentialDecayShrinksByAFactor() {
    expect(ExponentialDecay(initial: 2, factor: 0.9), [0: 2, 1: 1.8, 2: 1.62, 3: 1.458])
  }

  @Test func inverseTimeDecayFallsLikeTheInverse() {
    expect(InverseTimeDecay(initial: 0.3, decay: 0.5), [0: 0.3, 1: 0.2, 2: 0.15, 4: 0.1])
  }

  @Test func cosineDecayEndsAtTheFinalRate() {
    expect(CosineDecay(initial: 1, final: 0.2, steps: 12), [0: 1, 4: 0.8, 6: 0.6, 8: 0.4, 12: 0.2, 18: 0.6, 24: 1])
  }

  @Test func nonsenseTraps() async {
    await #expect(processExitsWith: .failure) { _ = StepDecay(initial: 1, every: 0) }
    await #expect(processExitsWith: .failure) { _ = CosineDecay(initial: 1, steps: 0) }
    await #expect(processExitsWith: .failure) { _ = InverseTimeDecay(initial: 1, decay: -1) }
  }
}
