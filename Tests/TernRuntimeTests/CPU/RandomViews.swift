// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// Reproducible test values in -1 ..< 1 with few mantissa bits, so that half types hold them without an error.
struct TestValues {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int(state >> 57) - 64) / 64
  }
}

/// How a test lays a view out in its storage.
enum ViewLayout: CaseIterable {
  /// Row-major from the start.
  case dense
  /// The last two axes swapped in memory.
  case transposed
  /// Every second element of rows with a gap between them, behind an offset.
  case sliced
  /// Backwards along every axis.
  case flipped

  /// A view of this layout over new storage filled with NaN patterns, so that a stray read or write shows.
  func view(_ dtype: DType, _ shape: [Int]) -> StridedView {
    let rank = shape.count
    switch self {
    case .dense:
      return StridedView(poisoned(dtype, elementCount(shape)), dtype, shape: shape)
    case .transposed:
      guard rank >= 2 else { return ViewLayout.sliced.view(dtype, shape) }
      var memory = shape
      memory.swapAt(rank - 1, rank - 2)
      var strides = contiguousStrides(memory)
      strides.swapAt(rank - 1, rank - 2)
      return StridedView(poisoned(dtype, elementCount(shape)), dtype, shape: shape, strides: strides)
    case .sliced:
      var memory = shape
      if rank > 0 { memory[rank - 1] = memory[rank - 1] * 2 + 3 }
      var strides = contiguousStrides(memory)
      if rank > 0 { strides[rank - 1] = 2 }
      return StridedView(poisoned(dtype, elementCount(memory) + 5), dtype, shape: shape, strides: strides, offset: 5)
    case .flipped:
      let strides = contiguousStrides(shape).map { -$0 }
      let last = max(0, elementCount(shape) - 1)
      return StridedView(poisoned(dtype, elementCount(shape)), dtype, shape: shape, strides: strides, offset: last)
    }
  }

  private func poisoned(_ dtype: DType, _ count: Int) -> Storage {
    let bytes = [UInt8](repeating: 0xff, count: max(1, count) * dtype.byteCount)
    let storage = Device.cpu.backend.allocate(byteCount: bytes.count)
    bytes.withUnsafeBytes { Device.cpu.backend.upload($0, to: storage, byteOffset: 0) }
    return storage
  }
}

extension StridedView {
  /// Where each element stands, in row-major order.
  private var positions: [Int] {
    (0..<count).map { index in
      var (rest, position) = (index, offset)
      for axis in shape.indices.reversed() {
        position += rest % shape[axis] * strides[axis]
        rest /= shape[axis]
      }
      return position
    }
  }

  /// The elements in row-major order, as the host sees them.
  var values: [Float] {
    let base = storage.handle!
    return positions.map { position in
      switch dtype {
      case .float32: base.load(fromByteOffset: position * 4, as: Float.self)
      case .float16: Float(base.load(fromByteOffset: position * 2, as: Float16.self))
      case .bfloat16: Float(bitPattern: UInt32(base.load(fromByteOffset: position * 2, as: UInt16.self)) << 16)
      case .int32: Float(base.load(fromByteOffset: position * 4, as: Int32.self))
      case .int64: Float(base.load(fromByteOffset: position * 8, as: Int64.self))
      case .bool: Float(base.load(fromByteOffset: position, as: UInt8.self))
      }
    }
  }

  /// Sets the elements in row-major order. The values must be exact in the view's dtype.
  func set(_ values: [Float]) {
    let base = storage.handle!
    for (position, value) in zip(positions, values) {
      switch dtype {
      case .float32: base.storeBytes(of: value, toByteOffset: position * 4, as: Float.self)
      case .float16: base.storeBytes(of: Float16(value), toByteOffset: position * 2, as: Float16.self)
      case .bfloat16: base.storeBytes(of: UInt16(value.bitPattern >> 16), toByteOffset: position * 2, as: UInt16.self)
      case .int32: base.storeBytes(of: Int32(value), toByteOffset: position * 4, as: Int32.self)
      case .int64: base.storeBytes(of: Int64(value), toByteOffset: position * 8, as: Int64.self)
      case .bool: base.storeBytes(of: value == 0 ? 0 : 1, toByteOffset: position, as: UInt8.self)
      }
    }
  }

  /// A view of a layout, filled with reproducible values.
  static func random(
    _ shape: [Int], _ layout: ViewLayout = .dense, dtype: DType = .float32, seed: Int = 1
  ) -> StridedView {
    var source = TestValues(seed)
    let view = layout.view(dtype, shape)
    view.set((0..<view.count).map { _ in source.next() })
    return view
  }
}

/// The largest difference between results and a reference, in units of `1 + |reference|`; infinite where a result is
/// NaN.
func largestError(_ results: [Float], _ reference: [Double]) -> Double {
  guard results.count == reference.count else { return .infinity }
  return zip(results, reference).reduce(0) { worst, pair in
    let error = abs(Double(pair.0) - pair.1) / (1 + abs(pair.1))
    return error.isNaN ? .infinity : max(worst, error)
  }
}
