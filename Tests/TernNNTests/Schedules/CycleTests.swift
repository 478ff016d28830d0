// SPDX-License-Identifier: MIT
import Foundation
import TernNN
import Testing

@Suite struct CycleTests {
  private func expect(_ schedule: some Schedule, _ expected: [Int: Double]) {
    for (step, rate) in expected {
      let found = schedule.learningRate(at: step)
      #expect(abs(found - rate) < 1e-12, "\(schedule) at \(step): \(found), expected \(rate)")
    }
  }

  @Test func decaysFollowTheirFormulas() {
    expect(
      MultiStepDecay(initial: 1, milestones: [8, 3, 8], factor: 0.5),
      [0: 1, 2: 1, 3: 0.5, 7: 0.5, 8: 0.125, 99: 0.125])
    expect(PolynomialDecay(initial: 1, final: 0.2, steps: 4, power: 2), [0: 1, 1: 0.65, 2: 0.4, 4: 0.2, 9: 0.2])
    expect(InverseSquareRootDecay(peak: 0.6, warmUp: 4), [0: 0.15, 2: 0.45, 3: 0.6, 15: 0.3, 99: 0.12])
    // 1 / (8 * 2) at the peak, after 4 steps.
    expect(InverseSquareRootDecay(width: 64, warmUp: 4, scale: 3), [0: 3.0 / 64, 3: 3.0 / 16, 15: 3.0 / 32])
  }

  @Test func cosinesBeginAgain() {
    expect(CosineRestarts(initial: 1, final: 0.2, period: 6), [0: 1, 2: 0.8, 3: 0.6, 6: 1, 9: 0.6, 600: 1])
    expect(
      CosineRestarts(initial: 1, period: 2, growth: 3),
      [0: 1, 1: 0.5, 2: 1, 5: 0.5, 7: 0.5 - 0.25 * 3.squareRoot(), 8: 1, 17: 0.5])
  }

  @Test func oneCycleRisesAndFalls() {
    // The top is at 0.4 * 10 - 1 = 3.
    let line = OneCycle(peak: 1, steps: 10, rise: 0.4, shape: .linear, initialDivisor: 4, finalDivisor: 10)
    expect(line, [0: 0.25, 1: 0.5, 3: 1, 6: 0.5125, 9: 0.025, 50: 0.025])
    let curve = OneCycle(peak: 1, steps: 10, rise: 0.4, initialDivisor: 4, finalDivisor: 10)
    expect(curve, [0: 0.25, 1: 0.4375, 3: 1, 5: 0.025 + 0.975 * 0.75, 6: 0.5125, 9: 0.025])
    expect(OneCycle(peak: 1, steps: 5, rise: 0), [0: 1, 4: 1 / 25e4])
    expect(OneCycle(peak: 1, steps: 5, rise: 1), [0: 0.04, 2: 0.04 + 0.96 / 2, 4: 1])
  }

  @Test func triangles() {
    expect(CyclicRate(low: 1, high: 5, rise: 4, fall: 2), [0: 1, 1: 2, 4: 5, 5: 3, 6: 1, 10: 5])
    expect(CyclicRate(low: 1, high: 5, rise: 2, height: .halved), [0: 1, 1: 3, 2: 5, 4: 1, 5: 2, 6: 3, 10: 2])
    expect(CyclicRate(low: 0, high: 4, rise: 2, height: .decaying(0.5)), [1: 1, 2: 1, 3: 0.25, 6: 1.0 / 16])
  }

  @Test func warmUpRisesEvenly() {
    let decay = StepDecay(initial: 1, every: 4, factor: 0.1)
    expect(WarmUp(steps: 5, during: decay), [0: 0, 1: 0.2, 3: 0.6, 4: 0.08, 5: 0.1, 8: 0.01])
    expect(WarmUp(steps: 5, from: 0.5, before: decay), [0: 0.5, 4: 0.9, 5: 1, 8: 1, 9: 0.1])
    expect(WarmUp(steps: 2, before: ConstantRate(3)), [0: 0, 1: 1.5, 2: 3, 70: 3])
  }

  @Test func plateausLowerTheRate() {
    func rates(_ decay: PlateauDecay, _ measures: [Double]) -> [Double] {
      var decay = decay
      return measures.map {
        decay.observe($0)
        return decay.learningRate
      }
    }
    let patient = PlateauDecay(initial: 1, factor: 0.5, patience: 1, lowest: 0.2)
    #expect(
      rates(patient, [5, 4, 4, 4, 4, 3, .nan, 3, 3, 3, 3]) == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2])
    // 4.96 is less than 5, but not by a fiftieth; after the drop, two epochs do not count.
    let relative = PlateauDecay(initial: 1, patience: 0, cooldown: 2, threshold: .relative(0.02))
    #expect(rates(relative, [5, 4.96, 6, 6, 6]) == [1, 0.1, 0.1, 0.1, 0.1 * 0.1])
    let highest = PlateauDecay(initial: 1, factor: 0.5, patience: 0, goal: .highest, threshold: .absolute(1))
    #expect(rates(highest, [5, 6.5, 7, 8]) == [1, 1, 0.5, 0.5])
    // What a schedule is asked for is the same.
    let measures = [5.0, 4, 4, 4, 4]
    #expect((0..<5).map { patient.learningRate(at: 0, epochLosses: Array(measures.prefix($0))) } == [1, 1, 1, 1, 0.5])
    let warm = WarmUp(steps: 4, before: patient)
    #expect(warm.learningRate(at: 2, epochLosses: measures) == 0.25)
  }

  @Test func nonsenseTraps() async {
    await #expect(processExitsWith: .failure) { _ = OneCycle(peak: 1, steps: 1) }
    await #expect(processExitsWith: .failure) { _ = PlateauDecay(initial: 1, factor: 1) }
  }
}
