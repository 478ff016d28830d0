// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct CPURandomTests {
  func draw(
    _ cpu: CPUBackend, _ distribution: RandomDraw.Distribution, _ count: Int, seed: UInt64 = 42, stream: UInt64 = 3,
    _ dtype: DType = .float32
  ) -> StridedView {
    let y = cpu.scratch([count], dtype)
    cpu.random(RandomDraw(distribution, seed: seed, stream: stream), into: y)
    return y
  }

  /// Philox4x32-10 in plain steps.
  func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let a = UInt64(c[0]) * 0xd251_1f53
      let b = UInt64(c[2]) * 0xcd9e_8d57
      c = [
        UInt32(b >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: b), UInt32(a >> 32) ^ c[3] ^ k[1],
        UInt32(truncatingIfNeeded: a),
      ]
      k = [k[0] &+ 0x9e37_79b9, k[1] &+ 0xbb67_ae85]
    }
    return c
  }

  /// The known answers of the Random123 library (kat_vectors) for counters and keys of zeros, ones and digits of pi.
  @Test func theReferenceGivesThePublishedAnswers() {
    let ones = UInt32.max
    #expect(philox([0, 0, 0, 0], [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(philox([ones, ones, ones, ones], [ones, ones]) == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0])
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test(arguments: everyCPU) func wordsAreTheStreamBitForBit(_ cpu: CPUBackend) {
    for (seed, stream, count) in [
      (UInt64(0), UInt64(0), 4), (0x299f_31d0_a409_3822, 0x0370_7344_1319_8a2e, 1), (.max, .max, 31),
      (7, 1 << 40, 5001),
    ] {
      let words = cpu.read(draw(cpu, .words, count, seed: seed, stream: stream, .int32), as: UInt32.self)
      let wide = cpu.read(draw(cpu, .words, count, seed: seed, stream: stream, .int64), as: Int64.self)
      let key = [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)]
      let want = (0..<(count + 3) / 4).flatMap { block in
        philox([UInt32(block), 0, UInt32(truncatingIfNeeded: stream), UInt32(stream >> 32)], key)
      }
      #expect(words == Array(want[..<count]))
      #expect(wide == words.map(Int64.init))
    }
  }

  @Test(arguments: everyCPU) func uniformsAndMasksFollowTheWords(_ cpu: CPUBackend) {
    let n = 5003
    let words = cpu.read(draw(cpu, .words, n, .int32), as: UInt32.self)
    let want = words.map { Float(-1.5) + Float(4) * (Float($0 >> 8) * 0x1p-24) }
    #expect(cpu.floats(draw(cpu, .uniform(low: -1.5, high: 2.5), n)) == want)
    for dtype in [DType.float32, .float16, .bool, .int64] {
      let mask = cpu.floats(draw(cpu, .mask(threshold: 0x4000_0000), n, dtype))
      #expect(mask == words.map { $0 >= 0x4000_0000 ? 1 : 0 }, "\(dtype)")
    }
  }

  @Test(arguments: everyCPU) func normalsFollowTheWordsInPairs(_ cpu: CPUBackend) {
    for n in [1, 2, 3, 1025, 5003] {
      let words = cpu.read(draw(cpu, .words, n + 1, .int32), as: UInt32.self)
      let got = cpu.floats(draw(cpu, .normal(mean: 0.5, deviation: 2), n))
      let want = (0..<n).map { i -> Double in
        let u1 = Double((words[i & ~1] >> 8) + 1) * 0x1p-24
        let u2 = Double(words[i | 1] >> 8) * 0x1p-24
        let r = (-2 * log(u1)).squareRoot()
        let angle = 2 * Double.pi * u2
        return 0.5 + 2 * r * (i % 2 == 0 ? cos(angle) : sin(angle))
      }
      expectClose(got, want, relative: 1e-6, absolute: 4e-6, "\(n)")
    }
  }

  @Test func momentsAndThreads() {
    let n = 100_001
    func moments(_ x: [Float]) -> (mean: Double, variance: Double, fourth: Double) {
      let mean = x.reduce(0) { $0 + Double($1) } / Double(n)
      let central = { (power: Double) in x.reduce(0) { $0 + pow(Double($1) - mean, power) } / Double(n) }
      return (mean, central(2), central(4))
    }
    let normals = oneAndManyThreads.map { $0.floats(draw($0, .normal(mean: 0, deviation: 1), n)) }
    #expect(normals[0] == normals[1] && normals[0] == normals[2])
    let normal = moments(normals[0])
    #expect(abs(normal.mean) < 0.015 && abs(normal.variance - 1) < 0.02 && abs(normal.fourth - 3) < 0.15)
    let uniform = moments(everyCPU[0].floats(draw(everyCPU[0], .uniform(low: 0, high: 1), n)))
    #expect(abs(uniform.mean - 0.5) < 0.005 && abs(uniform.variance - 1 / 12.0) < 0.002)
  }
}
