// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Normalization on every instruction set of this machine, and on one and several threads.
@Suite struct CPUNormalizationTests {
  @Test(arguments: everyCPU) func batchNormalization(_ cpu: CPUBackend) throws {
    for test in DeviceBatchNormalizationTests.cases { try DeviceBatchNormalizationTests.check(test, on: cpu) }
  }

  @Test(arguments: everyCPU) func rowNormalization(_ cpu: CPUBackend) throws {
    for test in DeviceRowNormalizationTests.cases { try DeviceRowNormalizationTests.check(test, on: cpu) }
  }

  @Test func threadsDoNotChangeABit() {
    var random = SplitMix(state: 4)
    for shape in [[1000, 70], [40, 2, 1031], [9, 100, 33]] {
      let x = random.floats(elementCount(shape))
      let dy = random.floats(elementCount(shape))
      let results = oneAndManyThreads.map { cpu -> [[Float]] in
        let plan = BatchNormalization("test", shape, epsilon: 1e-5, rectifies: true)
        let list = [plan.channels]
        let (x, dy) = (cpu.view(x, shape), cpu.view(dy, shape))
        let (y, dx, mean, deviation) = (cpu.scratch(shape), cpu.scratch(shape), cpu.scratch(list), cpu.scratch(list))
        let (dWeight, dBias) = (cpu.scratch(list), cpu.scratch(list))
        cpu.batchNormalization(
          plan, .init(x: x, weight: nil, bias: nil, residual: nil, running: nil),
          into: .init(y: y, mean: mean, deviation: deviation, running: nil))
        cpu.batchNormalizationGradient(
          plan, .init(x: x, y: y, weight: nil, mean: mean, deviation: deviation), dy: dy,
          into: .init(dx: dx, dResidual: nil, dWeight: dWeight, dBias: dBias))
        let rows = RowNormalization("test", shape, trailing: 1, epsilon: 1e-5, centers: true)
        let (z, dz) = (cpu.scratch(shape), cpu.scratch(shape))
        let (center, scale) = (cpu.scratch([rows.rows]), cpu.scratch([rows.rows]))
        let sums = cpu.scratch([rows.weightCount])
        cpu.rowNormalization(
          rows, x, weight: nil, bias: nil, into: .init(y: z, mean: center, deviation: scale))
        cpu.rowNormalizationGradient(
          rows, .init(x: x, weight: nil, mean: center, deviation: scale), dy: dy,
          into: .init(dx: dz, dWeight: sums, dBias: nil))
        return [y, dx, mean, deviation, dWeight, dBias, z, dz, sums].map(cpu.floats)
      }
      #expect(results[0] == results[1] && results[0] == results[2], "\(shape)")
    }
  }
}
