// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

/// A device that the shared suites test: the CPU, each OpenCL device, and the OpenCL CPU devices and simulators once
/// more with the kernels of the other type of device.
struct Subject: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let backend: any Backend
  /// An OpenCL device's place in the list, and whether it is opened as a CPU or a GPU; to open another backend like it.
  var opening: (index: Int, treatAsCPU: Bool)?

  static let all: [Subject] = [Subject(testDescription: "cpu", backend: Device.cpu.backend)] + openCL

  static let openCL: [Subject] = OpenCLSupport.devices.flatMap { device -> [Subject] in
    var own = Subject(testDescription: "\(device)", backend: device.backend)
    guard case .opencl(let index) = device.kind else { return [own] }
    own.opening = (index, OpenCLSupport.backend(device).isCPUDevice)
    let (backend, info) = (OpenCLSupport.backend(device), OpenCLDevices.shared.found[index])
    guard info.isCPU || info.isSimulator else { return [own] }
    // A device that opens once must open twice.
    let other = try! OpenCLSupport.privateBackend(
      options: OpenCLOptions(treatAsCPU: !backend.isCPUDevice), index: index)
    return [
      own,
      Subject(
        testDescription: "\(device) as a \(backend.isCPUDevice ? "GPU" : "CPU")", backend: other,
        opening: (index, !backend.isCPUDevice)),
    ]
  }
}

/// How a view lies in memory.
enum Layout: CaseIterable {
  case dense
  /// Dense, but not from the start of the storage.
  case offset
  /// The last axis steps the furthest.
  case transposed
  /// Every second element of every axis, between elements that must not be read.
  case holes
  /// The last axis runs backwards.
  case flipped

  func view(_ storage: Storage, _ dtype: DType, _ shape: [Int]) -> StridedView {
    var strides = contiguousStrides(shape)
    var offset = 0
    switch self {
    case .dense: break
    case .offset: offset = 7
    case .transposed: strides = contiguousStrides(shape.reversed()).reversed()
    case .holes:
      strides = contiguousStrides(shape.map { 2 * $0 }).map { 2 * $0 }
      offset = 1
    case .flipped:
      if let last = shape.last, last > 0 {
        strides[strides.count - 1] = -1
        offset = last - 1
      }
    }
    return StridedView(storage, dtype, shape: shape, strides: strides, offset: offset)
  }

  func storageCount(_ shape: [Int]) -> Int {
    switch self {
    case .dense, .transposed, .flipped: elementCount(shape)
    case .offset: elementCount(shape) + 7
    case .holes: elementCount(shape.map { 2 * $0 }) * 2 + 1
    }
  }
}

extension Backend {
  /// A view of the numbers, rounded to the dtype, in a layout; what lies between the elements is poison.
  func view(_ values: [Double], _ shape: [Int], _ dtype: DType = .float32, _ layout: Layout = .dense) -> StridedView {
    let count = layout.storageCount(shape)
    var elements = [Double](repeating: dtype.isFloatingPoint ? .nan : 99, count: count)
    let storage = allocate(byteCount: max(1, count * dtype.byteCount))
    let view = layout.view(storage, dtype, shape)
    for (place, value) in zip(positions(view), values) { elements[place] = value }
    if count > 0 { dtype.encoded(elements).withUnsafeBytes { upload($0, to: storage, byteOffset: 0) } }
    return view
  }

  /// An output full of poison, in the middle of its storage.
  func output(_ shape: [Int], _ dtype: DType = .float32) -> StridedView {
    view([Double](repeating: -77, count: elementCount(shape)), shape, dtype, .offset)
  }

  func values(_ view: StridedView) throws -> [Double] {
    guard view.count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: view.storage.byteCount)
    try bytes.withUnsafeMutableBytes { try download(view.storage, byteOffset: 0, into: $0) }
    let elements = view.dtype.decoded(bytes)
    return positions(view).map { elements[$0] }
  }

  private func positions(_ view: StridedView) -> [Int] {
    if view.isContiguous { return Array(view.offset..<view.offset + view.count) }
    var places = [view.offset]
    for (extent, stride) in zip(view.shape, view.strides) {
      var next: [Int] = []
      next.reserveCapacity(places.count * extent)
      for place in places {
        for step in 0..<extent { next.append(place + step * stride) }
      }
      places = next
    }
    return places
  }
}

extension DType {
  /// The numbers as they lie in memory.
  func encoded(_ values: [Double]) -> [UInt8] {
    func bytes<T>(_ elements: [T]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }
    switch self {
    case .float32: return bytes(values.map { Float($0) })
    case .float16: return bytes(values.map { Float16($0) })
    case .bfloat16:
      return bytes(
        values.map { value -> UInt16 in
          let bits = Float(value).bitPattern
          return value.isNaN ? 0x7fc0 : UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
        })
    case .int32: return bytes(values.map { Int32($0) })
    case .int64: return bytes(values.map { Int64($0) })
    case .bool: return values.map { $0 != 0 ? 1 : 0 }
    }
  }

  func decoded(_ bytes: [UInt8]) -> [Double] {
    func elements<T>(_: T.Type, _ body: (T) -> Double) -> [Double] {
      bytes.withUnsafeBytes { raw in
        let count = raw.count / MemoryLayout<T>.size
        return (0..<count).map { body(raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)) }
      }
    }
    switch self {
    case .float32: return elements(Float.self) { Double($0) }
    case .float16: return elements(Float16.self) { Double($0) }
    case .bfloat16: return elements(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .int32: return elements(Int32.self) { Double($0) }
    case .int64: return elements(Int64.self) { Double($0) }
    case .bool: return bytes.map { Double($0) }
    }
  }

  /// The relative error of one rounding.
  var roundoff: Double {
    switch self {
    case .float32: 0x1p-24
    case .float16: 0x1p-11
    case .bfloat16: 0x1p-8
    case .int32, .int64, .bool: 0
    }
  }

  func rounded(_ values: [Double]) -> [Double] { decoded(encoded(values)) }
}

/// Numbers that are the same on every run: SplitMix64, about evenly over `range`.
func testNumbers(_ count: Int, seed: UInt64 = 1, _ range: ClosedRange<Double> = -2...2) -> [Double] {
  var state = seed
  return (0..<count).map { _ in
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    z ^= z >> 31
    return range.lowerBound + Double(z >> 11) * 0x1p-53 * (range.upperBound - range.lowerBound)
  }
}

/// Element by element within `relative` of the expected number plus `absolute`; NaN and infinities as they are.
func expectClose(
  _ got: [Double], _ expected: [Double], relative: Double = 0, absolute: Double = 0, _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard got.count == expected.count else {
    Issue.record("\(label): \(got.count) elements, expected \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let wrong = got.indices.first { index in
    let (a, b) = (got[index], expected[index])
    if b.isNaN { return !a.isNaN }
    return a == b ? false : !(abs(a - b) <= relative * abs(b) + absolute)
  }
  if let wrong {
    Issue.record(
      "\(label): element \(wrong) of \(got.count) is \(got[wrong]), expected \(expected[wrong])",
      sourceLocation: sourceLocation)
  }
}
