// SPDX-License-Identifier: MIT
import CTernCPU
import Testing

@testable import TernRuntime

/// A CPU backend for each instruction set that this processor has.
let everyCPU: [CPUBackend] = [TERN_ISA_BASELINE, TERN_ISA_AVX2, TERN_ISA_AVX512]
  .filter(tern_isa_available)
  .map { CPUBackend(threads: .shared, isa: $0) }

/// Backends whose results must be the same bits.
let oneAndManyThreads = [1, 2, 5].map { CPUBackend(threads: ThreadPool(threadCount: $0)) }

extension CPUBackend: CustomTestStringConvertible {
  public var testDescription: String { String(cString: tern_isa_name(isa)) }

  /// A dense view that holds `values`.
  func view<T>(_ values: [T], _ dtype: DType, _ shape: [Int]? = nil) -> StridedView {
    let view = scratch(shape ?? [values.count], dtype)
    values.withUnsafeBytes { upload($0, to: view.storage, byteOffset: 0) }
    return view
  }

  func view(_ values: [Float], _ shape: [Int]? = nil) -> StridedView { view(values, .float32, shape) }

  /// The elements of any view in row-major order.
  func read<T>(_ view: StridedView, as type: T.Type = T.self) -> [T] {
    positions(view).map { (view.storage.handle! + $0 * view.dtype.byteCount).load(as: T.self) }
  }

  func floats(_ view: StridedView) -> [Float] {
    switch view.dtype {
    case .float32: read(view)
    case .float16: read(view, as: UInt16.self).map { Float(half: $0) }
    case .bfloat16: read(view, as: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
    default: integers(view).map(Float.init)
    }
  }

  func integers(_ view: StridedView) -> [Int] {
    switch view.dtype {
    case .int32: read(view, as: Int32.self).map(Int.init)
    case .int64: read(view)
    default: read(view, as: UInt8.self).map(Int.init)
    }
  }

  private func positions(_ view: StridedView) -> [Int] {
    var positions = [view.offset]
    for (extent, stride) in zip(view.shape, view.strides) {
      positions = positions.flatMap { base in (0..<extent).map { base + $0 * stride } }
    }
    return positions
  }
}

extension Float {
  /// The value of half bits, by the definition of the format.
  init(half bits: UInt16) {
    let sign: Float = bits >> 15 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 31)
    let fraction = Float(bits & 1023) / 1024
    switch exponent {
    case 0: self = sign * fraction * 0x1p-14
    case 31: self = fraction == 0 ? sign * .infinity : .nan
    default: self = sign * (1 + fraction) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    }
  }
}

/// How far `got` is from `want` in units in the last place of the Float32 next to `want`; 0 for two NaNs.
func ulps(_ got: Float, _ want: Double) -> Double {
  let rounded = Float(want)
  if rounded.isNaN || got.isNaN { return rounded.isNaN == got.isNaN ? 0 : .infinity }
  if rounded.isInfinite || got.isInfinite { return rounded == got ? 0 : .infinity }
  return Swift.abs(Double(got) - want) / Double(max(rounded.magnitude, .leastNormalMagnitude).ulp)
}

/// A small deterministic generator, independent of the one under test.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func floats(_ count: Int, in range: ClosedRange<Float> = -2...2) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}

func expectClose(
  _ got: [Float], _ want: [Double], relative: Double = 1e-5, absolute: Double = 1e-6, _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(got.count == want.count, "\(label): count", sourceLocation: sourceLocation)
  for (index, (g, w)) in zip(got, want).enumerated() {
    let same = w.isNaN ? g.isNaN : (Double(g) == w || Swift.abs(Double(g) - w) <= absolute + relative * Swift.abs(w))
    if !same {
      Issue.record("\(label): element \(index) is \(g), expected \(w)", sourceLocation: sourceLocation)
      return
    }
  }
}
