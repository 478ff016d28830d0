// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct DeviceRandomTests {
  /// Philox4x32-10 as the paper writes it.
  static func philox(_ counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
      let a = c[0].multipliedFullWidth(by: 0xD251_1F53)
      let b = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
      c = [b.high ^ c[1] ^ k[0], b.low, a.high ^ c[3] ^ k[1], a.low]
      k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
    }
    return c
  }

  static func words(_ count: Int, seed: UInt64, stream: UInt64) -> [UInt32] {
    func halves(_ value: UInt64) -> [UInt32] { [UInt32(truncatingIfNeeded: value), UInt32(value >> 32)] }
    return Array(
      (0..<(count + 3) / 4).flatMap { philox(halves(UInt64($0)) + halves(stream), key: halves(seed)) }.prefix(count))
  }

  static let draws: [(seed: UInt64, stream: UInt64, count: Int)] = [
    (0, 0, 1), (1, 2, 31), (.max, .max, 1024), (0x1234_5678_9abc_def0, 7, 4099), (42, 1 << 40, 20_000),
  ]

  @Test func theReferenceGivesThePublishedNumbers() {
    #expect(Self.philox([0, 0, 0, 0], key: [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    let ones = [UInt32](repeating: .max, count: 4)
    #expect(Self.philox(ones, key: [.max, .max]) == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
  }

  @Test(arguments: Subject.all, draws) func wordsUniformsAndMasksBitForBit(
    _ subject: Subject, _ draw: (seed: UInt64, stream: UInt64, count: Int)
  ) throws {
    let backend = subject.backend
    let words = Self.words(draw.count, seed: draw.seed, stream: draw.stream)
    func drawn(_ distribution: RandomDraw.Distribution, _ dtype: DType = .float32) throws -> [Double] {
      let y = backend.output([draw.count], dtype)
      backend.random(RandomDraw(distribution, seed: draw.seed, stream: draw.stream), into: y)
      return try backend.values(y)
    }
    expectClose(try drawn(.words, .int64), words.map(Double.init), "words")
    expectClose(try drawn(.words, .int32), words.map { Double(Int32(bitPattern: $0)) }, "signed words")
    let (low, high): (Float, Float) = (-0.3, 1.7)
    let uniforms = words.map { Double(low + (high - low) * (Float($0 >> 8) * 0x1p-24)) }
    expectClose(try drawn(.uniform(low: low, high: high)), uniforms, "uniform")
    expectClose(try drawn(.uniform(low: low, high: high), .float16), DType.float16.rounded(uniforms), "uniform halves")
    for (threshold, dtype) in [
      (UInt32(0x8000_0000), DType.float32), (0, .bool), (.max, .int32), (0x4000_0000, .bfloat16),
    ] {
      expectClose(try drawn(.mask(threshold: threshold), dtype), words.map { $0 >= threshold ? 1 : 0 }, "mask")
    }
  }

  @Test(arguments: Subject.all, draws) func normals(
    _ subject: Subject, _ draw: (seed: UInt64, stream: UInt64, count: Int)
  ) throws {
    let words = Self.words(draw.count + 4, seed: draw.seed, stream: draw.stream)
    let (mean, deviation) = (0.5, 1.25)
    let expected = (0..<draw.count).map { i -> Double in
      let (first, second) = (words[i & ~1], words[i | 1])
      let radius = (-2 * log(Double((first >> 8) + 1) * 0x1p-24)).squareRoot()
      let angle = 2 * Double.pi * Double(second >> 8) * 0x1p-24
      return mean + deviation * radius * (i & 1 == 0 ? cos(angle) : sin(angle))
    }
    let y = subject.backend.output([draw.count])
    subject.backend.random(
      RandomDraw(.normal(mean: Float(mean), deviation: Float(deviation)), seed: draw.seed, stream: draw.stream), into: y
    )
    // The angle is rounded to 24 bits, at most 2 pi * 2^-24 away, and so is the radius, at most about 6.
    expectClose(try subject.backend.values(y), expected, relative: 4e-7, absolute: 4e-6)
  }

  @Test(arguments: Subject.openCL) func normalsWithin4UlpOfTheCPU(_ subject: Subject) throws {
    let draw = RandomDraw(.normal(mean: 0, deviation: 1), seed: 9, stream: 3)
    func drawn(_ backend: any Backend) throws -> [Float] {
      let y = StridedView(backend.allocate(byteCount: 400_000), .float32, shape: [100_000])
      backend.random(draw, into: y)
      return try backend.array(Float.self, 100_000, from: y.storage)
    }
    let pairs = zip(try drawn(subject.backend), try drawn(Device.cpu.backend))
    #expect(pairs.allSatisfy { abs($0 - $1) <= 4 * max($0.ulp, $1.ulp) })
  }
}
