// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct CPURowsTests {
  @Test(arguments: [DType.float32, .float16, .int32, .int64, .bool]) func gathersRowsOfAnyType(_ dtype: DType) {
    let cpu = everyCPU.last!
    let stored = cpu.scratch([70], dtype)
    cpu.pointwise(
      .copy(from: .float32, to: dtype),
      [PointwiseOperands(inputs: [cpu.view((0..<70).map { Float($0 % 9) })], outputs: [stored])])
    let picks: [Int64] = [6, 0, 3, 3, -1, 7, 2]
    for (shape, strides, offset) in [([7, 9], [10, 1], 1), ([7, 10], [1, 7], 0), ([7, 1], [10, 1], 4)] {
      let table = StridedView(stored.storage, dtype, shape: shape, strides: strides, offset: offset)
      let values = cpu.floats(table)
      let columns = shape[1]
      let y = cpu.scratch([picks.count, columns], dtype)
      cpu.gatherRows(table, cpu.view(picks, .int64), into: y)
      let want = picks.flatMap { pick -> [Float] in
        if !(0..<7).contains(pick) { return [Float](repeating: dtype.isFloatingPoint ? .nan : 0, count: columns) }
        return Array(values[Int(pick) * columns..<(Int(pick) + 1) * columns])
      }
      expectClose(cpu.floats(y), want.map(Double.init), "\(dtype) \(shape)")
    }
  }

  @Test func addsRowsInOrderForAnyThreads() {
    var random = SplitMix(state: 14)
    let (rows, columns, count) = (33, 65, 400)
    let dy = random.floats(count * columns, in: -1e3...1e3)
    let picks = (0..<count).map { _ in Int32.random(in: -1...Int32(rows), using: &random) }
    // Row 5 is never picked.
    let indices = picks.map { $0 == 5 ? 6 : $0 }
    var want = [Float](repeating: 0, count: rows * columns)
    for (i, row) in indices.enumerated() where (0..<Int32(rows)).contains(row) {
      for c in 0..<columns { want[Int(row) * columns + c] += dy[i * columns + c] }
    }
    for cpu in oneAndManyThreads + everyCPU {
      let table = cpu.scratch([rows, columns])
      cpu.scatterAddRows(cpu.view(dy, [count, columns]), cpu.view(indices, .int32), into: table)
      #expect(cpu.floats(table) == want)
    }
  }

  @Test func noIndicesGiveZeros() {
    let cpu = everyCPU[0]
    let table = cpu.scratch([2, 3], .bfloat16)
    cpu.scatterAddRows(cpu.scratch([0, 3]), cpu.scratch([0], .int64), into: table)
    #expect(cpu.floats(table) == [0, 0, 0, 0, 0, 0])
  }
}
