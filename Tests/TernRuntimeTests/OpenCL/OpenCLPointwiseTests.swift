// SPDX-License-Identifier: MIT
import CTernCPU
import Foundation
import Testing

@testable import TernRuntime

/// Programs over every layout, dtype and grouping, interpreted and compiled, as on a CPU and as on a GPU: the four must
/// give the same bits, and those must be right.
@Suite("OpenCL pointwise", .serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLPointwiseTests {
  static let ways: [(asCPU: Bool, tier: Int)] = [(true, 0), (true, 1), (false, 0), (false, 1)]
  /// Opened once: a compiled kernel serves all tests.
  static let backends: [OpenCLBackend] = OpenCLSupport.devices.indices.flatMap { index in
    ways.map {
      try! OpenCLSupport.privateBackend(
        options: OpenCLOptions(treatAsCPU: $0.asCPU, pointwiseTier: $0.tier), index: index)
    }
  }

  /// Runs `body` on every backend, and returns what they agree on. The CPU computes the same expressions, so where it
  /// has a multiply-add instruction as well it must agree too.
  static func agreed<T: Equatable>(
    includingCPU: Bool = true, _ body: (any Backend) throws -> [T]
  ) throws -> [T] {
    var results = try backends.map(body)
    if includingCPU && tern_isa_chosen() != TERN_ISA_BASELINE && backends.allSatisfy(\.info.roundsDivisionCorrectly) {
      results.append(try body(Device.cpu.backend))
    }
    for (index, result) in results.enumerated().dropFirst() {
      let way = index < backends.count ? "\(ways[index % 4])" : "the CPU"
      let difference = zip(result, results[0]).enumerated().first { $1.0 != $1.1 }
      #expect(difference == nil, "\(way) differs from \(ways[0]): \(difference!)")
      #expect(result.count == results[0].count)
    }
    return results[0]
  }

  static let add = PointwiseProgram(
    inputs: [.float32, .float32], instructions: [.init(.add, 0, 1)], outputs: [.init(register: 2, dtype: .float32)])

  /// max(x * 1.5 + y, 0) * sigmoid(y) - 0.5 * tanh(x)
  static let chain = PointwiseProgram(
    inputs: [.float32, .float32], scalars: [.real(1.5), .real(0.5)],
    instructions: [
      .init(.multiply, 0, 2), .init(.add, 4, 1), .init(.relu, 5), .init(.sigmoid, 1), .init(.multiply, 6, 7),
      .init(.tanh, 0), .init(.multiply, 9, 3), .init(.subtract, 8, 10),
    ], outputs: [.init(register: 11, dtype: .float32)])

  /// The last one is more than a run of elements, but for a simulator, where it would take a minute.
  static let counts = [1, 31, 33, 65, 4096, OpenCLDevices.shared.found.contains(where: \.isSimulator) ? 5001 : 70_001]

  @Test(arguments: counts) func chainOfDenseViews(count: Int) throws {
    let x = (0..<count).map { Float($0 % 97) * 0.11 - 5 }
    let y = (0..<count).map { Float($0 % 89) * 0.13 - 6 }
    let result = try Self.agreed { backend in
      let views = [x, y].map { StridedView(backend.storage(of: $0), .float32, shape: [count]) }
      let output = StridedView(backend.allocate(byteCount: 4 * count), .float32, shape: [count])
      backend.pointwise(Self.chain, [PointwiseOperands(inputs: views, outputs: [output])])
      return try backend.array(Float.self, count, from: output.storage).map(\.bitPattern)
    }
    for i in 0..<count {
      let (a, b) = (Double(x[i]), Double(y[i]))
      let expected = max(a * 1.5 + b, 0) / (1 + exp(-b)) - 0.5 * tanh(a)
      #expect(abs(Double(Float(bitPattern: result[i])) - expected) < 3e-6)
    }
  }

  /// Shape, then strides and offset of x, of y, and of the output.
  struct Layout: Sendable, CustomTestStringConvertible {
    let shape: [Int]
    let x, y, z: (strides: [Int], offset: Int)
    var testDescription: String { "\(shape) \(x) \(y) \(z)" }
  }
  static let layouts = [
    Layout(shape: [], x: ([], 3), y: ([], 0), z: ([], 5)),
    Layout(shape: [5, 7], x: ([7, 1], 0), y: ([0, 1], 2), z: ([7, 1], 0)),  // a bias
    Layout(shape: [5, 7], x: ([1, 5], 0), y: ([7, 1], 1), z: ([7, 1], 4)),  // transposed
    Layout(shape: [33], x: ([1], 0), y: ([0], 6), z: ([1], 0)),  // a scalar tensor
    Layout(shape: [33], x: ([-1], 32), y: ([3], 1), z: ([2], 1)),  // a flip, and gaps in the output
    Layout(shape: [2, 3, 65], x: ([195, 65, 1], 1), y: ([0, 1, 0], 0), z: ([195, 65, 1], 0)),  // a channel's bias
    Layout(shape: [2, 3, 5, 31], x: ([465, 155, 31, 1], 0), y: ([5, 10, 1, 30], 0), z: ([1, 2, 6, 30], 7)),
    Layout(
      shape: [2, 2, 2, 2, 2, 2, 2, 2, 3], x: (contiguousStrides([2, 2, 2, 2, 2, 2, 2, 2, 3]), 0),
      y: ([1, 2, 4, 8, 16, 32, 64, 128, 256], 0), z: ([384, 3, 192, 6, 96, 12, 48, 24, 1], 0)),  // 9 axes, none merge
    Layout(shape: [4, 0, 3], x: ([1, 1, 1], 0), y: ([1, 1, 1], 0), z: ([1, 1, 1], 0)),
  ]

  @Test(arguments: layouts) func stridedAndBroadcastViews(_ layout: Layout) throws {
    let room = 1200
    let x = (0..<room).map { Float($0) }
    let y = (0..<room).map { Float($0) * 10_000 }
    // The CPU takes at most 8 axes that do not merge.
    let result = try Self.agreed(includingCPU: layout.shape.count <= 8) { backend in
      let output = backend.storage(of: [Float](repeating: -1, count: room))
      func view(_ storage: Storage, _ place: (strides: [Int], offset: Int)) -> StridedView {
        StridedView(storage, .float32, shape: layout.shape, strides: place.strides, offset: place.offset)
      }
      let inputs = [view(backend.storage(of: x), layout.x), view(backend.storage(of: y), layout.y)]
      backend.pointwise(Self.add, [PointwiseOperands(inputs: inputs, outputs: [view(output, layout.z)])])
      return try backend.array(Float.self, room, from: output)
    }
    var expected = [Float](repeating: -1, count: room)
    for number in 0..<elementCount(layout.shape) {
      var rest = number
      var (a, b, c) = (layout.x.offset, layout.y.offset, layout.z.offset)
      for axis in layout.shape.indices.reversed() {
        let index = rest % layout.shape[axis]
        rest /= layout.shape[axis]
        a += index * layout.x.strides[axis]
        b += index * layout.y.strides[axis]
        c += index * layout.z.strides[axis]
      }
      expected[c] = x[a] + y[b]
    }
    #expect(result == expected)
  }

  @Test func gradientStepInPlaceWithTwoOutputs() throws {
    // v = m v + g; p = p - r v: velocity and parameter are updated where they stand.
    let program = PointwiseProgram(
      inputs: [.float32, .float32, .float32], scalars: [.real(0.5), .real(0.25)],
      instructions: [.init(.multiplyAdd, 2, 3, 1), .init(.multiply, 5, 4), .init(.subtract, 0, 6)],
      outputs: [.init(register: 7, dtype: .float32), .init(register: 5, dtype: .float32)])
    let sizes = [1, 33, 0, 4100, 65, 256, 31, 84, 10, 1024, 3, 4, 5]
    var numbers = [Float]()
    let result = try Self.agreed { backend in
      var operands: [PointwiseOperands] = []
      numbers = []
      for (number, size) in sizes.enumerated() {
        let arrays = (0..<3).map { part in (0..<size).map { Float(($0 * 7 + number + part * 3) % 64) / 8 } }
        numbers += zip(arrays[0], zip(arrays[1], arrays[2])).flatMap { p, gv in
          let v = 0.5 * gv.1 + gv.0
          return [p - 0.25 * v, v]
        }
        // The second parameter's arrays start at an odd place, so that its loads are not aligned.
        let lead = number == 1 ? 3 : 0
        let views = arrays.map {
          StridedView(
            backend.storage(of: [Float](repeating: 0, count: lead) + $0), .float32, shape: [size], strides: [1],
            offset: lead)
        }
        operands.append(PointwiseOperands(inputs: views, outputs: [views[0], views[2]]))
      }
      backend.pointwise(program, operands)
      return try operands.flatMap { set -> [Float] in
        let (count, lead) = (set.inputs[0].count, set.inputs[0].offset)
        let arrays = try set.outputs.map { try backend.array(Float.self, count + lead, from: $0.storage) }
        return zip(arrays[0], arrays[1]).dropFirst(lead).flatMap { [$0, $1] }
      }
    }
    #expect(result == numbers)
  }

  @Test func manySetsTakeFewLaunches() throws {
    let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(pointwiseTier: 1))
    let sets = (1...40).map { count -> PointwiseOperands in
      let views = (0..<3).map { _ in
        StridedView(backend.storage(of: (0..<count).map(Float.init)), .float32, shape: [count])
      }
      return PointwiseOperands(inputs: [views[0], views[1]], outputs: [views[2]])
    }
    backend.pointwise(Self.add, sets)
    // Three pointers and their table take 44 bytes a set, of at least 1,024.
    #expect(backend.statistics.launches <= 2)
    for set in sets {
      let count = set.outputs[0].count
      #expect(try backend.array(Float.self, count, from: set.outputs[0].storage) == (0..<count).map { Float(2 * $0) })
    }
  }

  /// A program is compiled when it has run three times and long enough; its scalars and sizes do not matter.
  @Test(arguments: [(count: 1 << 20, uses: 3), (count: 12, uses: 100)])
  func compilationComesWhenItPays(_ count: Int, _ uses: Int) throws {
    let backend = try OpenCLSupport.privateBackend()
    func run(_ scalar: Float, count: Int) throws -> Int {
      var program = Self.chain
      program.scalars[0] = .real(scalar)
      let views = (0..<3).map { _ in
        StridedView(backend.storage(of: [Float](repeating: 1, count: count)), .float32, shape: [count])
      }
      let before = backend.statistics
      backend.pointwise(program, [PointwiseOperands(inputs: [views[0], views[1]], outputs: [views[2]])])
      try backend.synchronize()
      return (backend.statistics - before).programBuilds
    }
    #expect(try run(1, count: count) == 1)  // the interpreter
    for use in 2..<uses { #expect(try run(Float(use), count: count + use) == 0) }
    #expect(try run(0.5, count: count) == 1)
    #expect(try run(4, count: 5000) == 0)
  }
}
