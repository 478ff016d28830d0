// SPDX-License-Identifier: MIT

/// An operand of a problem that is measured: numbers on the host, and the same ones on the device.
struct TuningOperand {
  /// All elements of the block as the device sees them, after rounding to the dtype.
  let values: [Float]
  let view: StridedView

  /// Numbers of -1 ... 1 in steps of 1/512, which all float dtypes but `bfloat16` hold exactly, the same on every run.
  ///
  /// - Parameter blockCount: elements of the storage, at least as many as the view reaches.
  init(
    _ backend: any Backend, _ dtype: DType, shape: [Int], strides: [Int], blockCount: Int, seed: UInt64
  ) throws {
    var state = seed &* 0x9e37_79b9_7f4a_7c15
    let numbers = (0..<blockCount).map { _ -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int(state >> 33) % 1025 - 512) / 512
    }
    let storage = backend.allocate(byteCount: max(1, blockCount * dtype.byteCount))
    view = StridedView(storage, dtype, shape: shape, strides: strides)
    let block = StridedView(storage, dtype, shape: [blockCount])
    if dtype == .float32 {
      numbers.withUnsafeBytes { backend.upload($0, to: storage, byteOffset: 0) }
      values = numbers
    } else {
      let exact = backend.allocate(byteCount: max(1, 4 * blockCount))
      numbers.withUnsafeBytes { backend.upload($0, to: exact, byteOffset: 0) }
      let source = StridedView(exact, .float32, shape: [blockCount])
      backend.pointwise(
        .copy(from: .float32, to: dtype), [PointwiseOperands(inputs: [source], outputs: [block])])
      values = try backend.floats(block)
    }
  }

  /// The element at a place of the view.
  subscript(_ place: Int...) -> Double {
    var position = view.offset
    for axis in place.indices { position += place[axis] * view.strides[axis] }
    return Double(values[position])
  }
}

extension Backend {
  /// The elements of a view in row-major order, as Float32.
  func floats(_ view: StridedView) throws -> [Float] {
    let count = view.count
    guard count > 0 else { return [] }
    let dense = allocate(byteCount: 4 * count)
    pointwise(
      .copy(from: view.dtype, to: .float32),
      [PointwiseOperands(inputs: [view], outputs: [StridedView(dense, .float32, shape: view.shape)])])
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      try download(dense, byteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
      initialized = count
    }
  }

  /// Fills a block with infinities, so that what a kernel leaves out, or adds to, shows.
  func poison(_ storage: Storage, _ dtype: DType) {
    let block = StridedView(storage, dtype, shape: [storage.byteCount / dtype.byteCount])
    pointwise(.fill(.real(.infinity), dtype: dtype), [PointwiseOperands(inputs: [], outputs: [block])])
  }
}
