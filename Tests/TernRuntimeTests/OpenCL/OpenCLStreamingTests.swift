// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Large results on CPU devices, which pass the caches by.
@Suite("OpenCL streaming", .serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLStreamingTests {
  /// A new backend on each device, as on a CPU.
  private func backends() throws -> [OpenCLBackend] {
    try OpenCLSupport.devices.indices.map {
      try OpenCLSupport.privateBackend(
        options: OpenCLOptions(treatAsCPU: true, pointwiseTier: 1, leastStreamed: 1000), index: $0)
    }
  }

  /// x + y and x - y; the operands' strides and offsets, and whether the results are streamed.
  struct Case: Sendable, CustomTestStringConvertible {
    let count: Int
    let x, y: (stride: Int, offset: Int)
    var offset = 0
    let isStreamed: Bool
    var testDescription: String { "\(count) \(x) \(y), results from \(offset)" }
  }
  static let cases = [
    Case(count: 1000, x: (1, 0), y: (1, 0), isStreamed: true),
    Case(count: 999, x: (1, 0), y: (1, 0), isStreamed: false),
    Case(count: 4096, x: (1, 3), y: (0, 7), isStreamed: true),
    Case(count: 9001, x: (-2, 18_000), y: (1, 1), offset: 16, isStreamed: true),
    Case(count: 9001, x: (1, 0), y: (1, 0), offset: 4, isStreamed: false),
  ]

  @Test(arguments: cases) func resultsAreThoseOfOtherKernels(_ example: Case) throws {
    let program = PointwiseProgram(
      inputs: [.float32, .float32], instructions: [.init(.add, 0, 1), .init(.subtract, 0, 1)],
      outputs: [.init(register: 2, dtype: .float32), .init(register: 3, dtype: .float32)])
    let room = 18_100
    let x = (0..<room).map { Float($0) }
    let y = (0..<room).map { Float($0 % 61) * 0.25 }
    for backend in try backends() {
      func view(_ array: [Float], _ place: (stride: Int, offset: Int)) -> StridedView {
        StridedView(
          backend.storage(of: array), .float32, shape: [example.count], strides: [place.stride], offset: place.offset)
      }
      let around = [Float](repeating: -1, count: room)
      // Two sets in one call.
      let operands = (0..<2).map { _ in
        PointwiseOperands(
          inputs: [view(x, example.x), view(y, example.y)],
          outputs: (0..<2).map { _ in view(around, (1, example.offset)) })
      }
      let key = PointwiseKernels.Key(program.structure, PointwiseLayout(operands[0]), on: backend)
      #expect(key.isStreamed == example.isStreamed)
      backend.pointwise(program, operands)
      for (output, sign) in operands.flatMap({ zip($0.outputs, [Float(1), -1]) }) {
        var expected = around
        for i in 0..<example.count {
          let (a, b) = (example.x.offset + i * example.x.stride, example.y.offset + i * example.y.stride)
          expected[example.offset + i] = x[a] + sign * y[b]
        }
        #expect(try backend.array(Float.self, room, from: output.storage) == expected)
      }
      #expect(backend.programs.kernelNames.contains("pointwise_streamed") == example.isStreamed)
    }
  }

  /// What is read again soon, is computed long, or was an input, stays in the caches.
  @Test func onlyWhatMemoryHoldsUpIsStreamed() throws {
    let backend = try backends()[0]
    func isStreamed(_ program: PointwiseProgram, _ views: [StridedView]) -> Bool {
      let operands = PointwiseOperands(inputs: Array(views.dropLast()), outputs: [views.last!])
      return PointwiseKernels.Key(program.structure, PointwiseLayout(operands), on: backend).isStreamed
    }
    let views = (0..<3).map { _ in StridedView(backend.allocate(byteCount: 4096), .float32, shape: [1024]) }
    let half = StridedView(backend.allocate(byteCount: 2048), .float16, shape: [1024])
    var toHalf = OpenCLPointwiseTests.add
    toHalf.outputs = [.init(register: 2, dtype: .float16)]
    #expect(isStreamed(OpenCLPointwiseTests.add, views))
    #expect(!isStreamed(OpenCLPointwiseTests.add, [views[0], views[1], views[0]]))
    #expect(!isStreamed(OpenCLPointwiseTests.chain, views))
    #expect(!isStreamed(toHalf, [views[0], views[1], half]))
    let asGPU = try OpenCLSupport.privateBackend(options: OpenCLOptions(treatAsCPU: false, leastStreamed: 1000))
    let operands = PointwiseOperands(inputs: Array(views.dropLast()), outputs: [views.last!])
    let key = PointwiseKernels.Key(OpenCLPointwiseTests.add.structure, PointwiseLayout(operands), on: asGPU)
    #expect(!key.isStreamed)
  }
}
