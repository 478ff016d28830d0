// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern
@testable import TernRuntime

/// Elements that are 2^31 and more apart: places are counted in 64 bits by every family of operations.
///
/// The tensors are cut out of a block of 2 or 4 GB that nobody has written, so that only the few pages exist where
/// their elements lie.
@Suite(.serialized) struct FarEdgeTests {
  private static let reach = 1 << 31
  private static let hasRoom = ProcessInfo.processInfo.physicalMemory >= 12 << 30

  private static let names: Set = [
    "pointwise", "sum", "argMax", "cumulativeSum", "sorted", "matmul", "conv2d", "maxPool2d", "averagePool2d", "unfold",
    "interpolate", "gridSample", "gathered", "rows", "scatterAdding", "embeddingBag", "concatenated", "softmax",
    "layerNorm", "batchNorm", "lstm", "crossEntropy",
  ]

  /// Of halves on the CPU: OpenCL devices give blocks of at most a quarter of their memory.
  @Test(.enabled(if: hasRoom, "needs addresses of 12 GB")) func rowsFarApart() throws {
    let cases = LayoutEdgeTests.cases.filter { Self.names.contains($0.name) }
    #expect(cases.count == Self.names.count)
    let block = Self.block(.float16, on: .cpu)
    defer { Device.cpu.backend.emptyPool() }
    for test in cases {
      let dense = test.shapes.enumerated().map { sampleTensor($1, phase: Double($0)).cast(to: .float16) }
      let far = dense.enumerated().map { Self.moved($1, into: block, at: 4096 * $0) }
      let (found, expected) = (LayoutEdgeTests.run(test, far), LayoutEdgeTests.run(test, dense))
      for (index, pair) in zip(found, expected).enumerated() {
        try expectClose(
          pair.0.cast(to: .float32), try pair.1.scalars(as: Double.self), relative: 4e-3, absolute: 4e-3,
          "\(test.name), \(index == 0 ? "value" : "gradient \(index - 1)"),")
      }
    }
  }

  /// What takes tensors of one byte for each element.
  static let ofBytes: [LayoutCase] = [
    LayoutCase("logic", [3, 40]) { $0[0] .& .!$0[0].flipped(along: 1) },
    LayoutCase("where", [3, 40]) { `where`($0[0], 2, $0[0].cast(to: .float32) - 3) },
    LayoutCase("copy", [5, 70]) { $0[0].transposed().reshaped(to: [-1]) },
    LayoutCase("sum", [3, 40]) { $0[0].sum(along: 1) },
    LayoutCase("sum of columns", [3, 40]) { $0[0].sum(along: 0) },
    LayoutCase("max", [3, 40]) { $0[0].max(along: 0) },
    LayoutCase("argMax", [3, 40]) { $0[0].argMax(along: 1) },
    LayoutCase("cumulativeSum", [3, 40]) { $0[0].cumulativeSum(along: 0) },
    LayoutCase("sorted", [3, 40]) { $0[0].sorted(along: 1).positions },
    LayoutCase("gathered", [3, 4]) {
      $0[0].gathered(at: Tensor([2, 0, 1, 2], shape: [1, 4], on: $0[0].device), along: 0)
    },
    LayoutCase("rows", [4, 30]) { $0[0].gathered(rows: Tensor([3, 0, 3], on: $0[0].device)) },
    LayoutCase("concatenated", [3, 40]) { concatenated([$0[0].sliced(along: 0, from: 2), $0[0]]) },
  ]

  @Test(.enabled(if: hasRoom, "needs addresses of 12 GB")) func bytesFarApart() throws {
    for device in TestDevices.all {
      if let opencl = device.backend as? OpenCLBackend, opencl.info.maxAllocationBytes < 3 << 30 { continue }
      let block = Self.block(.bool, on: device)
      defer { device.backend.emptyPool() }
      for test in Self.ofBytes {
        let dense = sampleTensor(test.shapes[0], on: device) .> 0.2
        let far = Self.moved(dense, into: block, at: 64)
        try expectClose(
          test.operation([far]).cast(to: .float32), try test.operation([dense]).scalars(as: Double.self),
          "\(test.name) by \(device.name),")
      }
    }
  }

  private static func block(_ dtype: DType, on device: Device) -> Value {
    let count = reach + 1 << 20
    return Value(device, dtype, [count], .ready(device.backend.allocate(byteCount: count * dtype.byteCount)))
  }

  /// A copy whose last row lies 2^31 elements behind the first, or that does so itself.
  private static func moved(_ x: Tensor, into block: Value, at start: Int) -> Tensor {
    var strides = contiguousStrides(x.shape)
    let isOne = x.shape[0] == 1
    if !isOne { strides[0] = reach / (x.shape[0] - 1) + 64 }
    let far = Tensor(block, shape: x.shape, strides: strides, offset: start + (isOne ? reach : 0))
    x.device.backend.pointwise(
      .copy(from: x.dtype, to: x.dtype), [PointwiseOperands(inputs: [x.view], outputs: [far.view])])
    return far
  }

  /// Views of more elements than there is memory for.
  @Test func viewsOfManyElements() throws {
    for device in Device.all {
      let row = Tensor([1, 2, 3] as [Float], on: device)
      let many = row.broadcast(to: [1 << 20, 1 << 12, 3])
      #expect(many.count == 3 << 32)
      try expectClose(many.sliced(along: 0, from: -1).sliced(along: 1, from: -2), [1, 2, 3, 1, 2, 3])
      try expectClose(many[-1, -1, 1...], [2, 3])
      try expectClose(many.flipped(along: 0, 2).transposed([2, 0, 1])[0, 5, ..<2], [3, 3])
      try expectClose(many.sliced(along: 0, step: 1 << 19).sliced(along: 1, step: 4095).sum(along: 2), [6, 6, 6, 6])
      try expectClose(many.expanded(at: 0).diagonal(0, 1).sum(along: 1, 0)[0], [24576])
    }
    let geometry = ReductionGeometry("sum", [1 << 20, 3, 1 << 20], axes: [0, 2])
    #expect(geometry.reducedCount == 1 << 40)
    #expect(elementCount(Tensor.zeros([1 << 31, 3]).shape) == 3 << 31)
  }

  /// The programs of chains of operations count in 64 bits where a tensor has that many elements.
  @Test func generatedKernelsCountIn64Bits() throws {
    let storage = Device.cpu.backend.allocate(byteCount: 4)
    func layout(_ shape: [Int], _ strides: [Int], offset: Int = 0) -> PointwiseLayout {
      let view = StridedView(storage, .float32, shape: shape, strides: strides, offset: offset)
      return PointwiseLayout(PointwiseOperands(inputs: [view], outputs: [view]))
    }
    let program = PointwiseProgram.copy(from: .float32, to: .float32)
    for (layout, isWide) in [
      (layout([1 << 16, 1 << 16], [1 << 17, 1]), true), (layout([1 << 15, 1 << 15], [1 << 17, 1]), false),
    ] {
      let kind = PointwiseLayoutClass(layout)
      #expect(kind.isWide == isWide)
      let gpu = PointwiseSource(structure: program.structure, layout: kind, sets: 0, isCPUDevice: false).text
      #expect(gpu.contains(isWide ? "ulong rest = (ulong)get_global_id(0)" : "uint rest = (uint)get_global_id(0)"))
      #expect(gpu.contains("const long index"))
      for text in [gpu, PointwiseSource(structure: program.structure, layout: kind, sets: 0, isCPUDevice: true).text] {
        #expect(text.contains("long count, extent[2], offset[1], stride[1][2]"))
      }
    }
    // One loop of 2^33 elements, far into the block: what the interpreter reads.
    let far = layout([1 << 30, 8], [8, 1], offset: 3 << 32)
    #expect(far.count == 1 << 33 && far.shape == [1 << 33] && far.offsets == [3 << 32])
    let words = PointwiseInterpreter.descriptor(program, far, run: 1 << 16)
    #expect(words[1] == 1 << 33 && words.contains(3 << 32))
    // More axes than a kernel has room for are taken apart, each piece with its own place.
    let apart = StridedView(storage, .float32, shape: [2, 3, 4, 5], strides: [1 << 40, 1 << 36, 1 << 33, 2])
    let pieces = PointwiseOperands(inputs: [apart], outputs: [apart]).pieces(rank: 2)
    #expect(pieces.map { $0.inputs[0].offset }.max() == 1 << 40 + 2 << 36)
  }

  /// What a kernel counts in 32 bits traps beyond them, instead of going round.
  @Test func countsBeyond32BitsTrap() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = KernelArgument.ints([1 << 31])
    }
    let message = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(message.contains("a kernel counts in 32 bits up to 2147483647 and was given 2147483648; split the tensor"))
    #expect(KernelArgument.narrowed(1 << 31 - 1) == .max && KernelArgument.narrowed(-1 << 31) == .min)
  }
}
