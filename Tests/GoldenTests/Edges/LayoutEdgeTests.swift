// SPDX-License-Identifier: MIT
import Tern
import TernNN
import TestSupport
import Testing

/// An operation on tensors of given shapes that must not see how its inputs lie in memory.
struct LayoutCase: Sendable, CustomTestStringConvertible {
  let name: String
  let shapes: [[Int]]
  let operation: @Sendable ([Tensor]) -> Tensor

  init(_ name: String, _ shapes: [Int]..., by operation: @escaping @Sendable ([Tensor]) -> Tensor) {
    (self.name, self.shapes, self.operation) = (name, shapes, operation)
  }

  var testDescription: String { name }
}

/// Inputs that are permuted, flipped, cut out with steps, or one row that stands for all: value and gradient of every
/// family of operations are those of a dense copy on the CPU.
@Suite struct LayoutEdgeTests {
  private static let rnn: [[Int]] = [[3, 2, 4], [3, 4], [3, 3], [3], [3]]

  static let cases: [LayoutCase] = [
    LayoutCase("pointwise", [3, 4], [3, 4]) { gelu($0[0]) * $0[1] + maximum($0[0], $0[1]) },
    LayoutCase("where", [3, 4], [3, 4]) { `where`($0[0].detached() .> 0, $0[0], $0[1] * 2) },
    LayoutCase("sum", [3, 4, 5]) { $0[0].sum(along: 0, 2) },
    LayoutCase("max", [3, 4, 5]) { $0[0].max(along: 1) },
    LayoutCase("product", [3, 5]) { $0[0].product(along: 0) },
    LayoutCase("logSumExp", [3, 5]) { $0[0].logSumExp(along: -1) },
    LayoutCase("variance", [3, 4, 5]) { $0[0].variance(along: 1) },
    LayoutCase("norm", [3, 5]) { $0[0].norm(order: 3, along: 0) },
    LayoutCase("argMax", [3, 4, 5]) { $0[0].argMax(along: 1) },
    LayoutCase("cumulativeSum", [3, 4, 5]) { $0[0].cumulativeSum(along: 1) },
    LayoutCase("cumulativeMax", [3, 4]) { $0[0].cumulativeMax(along: 0).values },
    LayoutCase("sorted", [3, 5, 2]) { $0[0].sorted(along: 1).values },
    LayoutCase("topK", [3, 5]) { $0[0].topK(2, along: 0).values },
    LayoutCase("matmul", [3, 4], [4, 5]) { matmul($0[0], $0[1]) },
    LayoutCase("batched matmul", [2, 3, 4], [2, 4, 3]) { matmul($0[0], $0[1]) },
    LayoutCase("linear", [2, 3, 4], [5, 4], [5]) { linear($0[0], $0[1], $0[2], activation: .tanh) },
    LayoutCase("einsum", [3, 4], [4, 3, 2]) { einsum("ij,jik->kj", $0[0], $0[1]) },
    LayoutCase("bilinear", [3, 2], [3, 4], [2, 2, 4]) { bilinear($0[0], $0[1], $0[2]) },
    LayoutCase("conv1d", [2, 3, 6], [4, 3, 3]) { conv1d($0[0], $0[1], padding: 1) },
    LayoutCase("conv2d", [2, 3, 5, 6], [4, 3, 3, 3], [4]) { conv2d($0[0], $0[1], bias: $0[2], padding: 1) },
    LayoutCase("conv2d by channel", [2, 3, 5, 6], [3, 1, 3, 3]) { conv2d($0[0], $0[1], stride: 2, groups: 3) },
    LayoutCase("conv2d, 1 x 1", [2, 3, 4, 3], [4, 3, 1, 1]) { conv2d($0[0], $0[1]) },
    LayoutCase("conv3d", [1, 2, 3, 4, 3], [2, 2, 2, 2, 2]) { conv3d($0[0], $0[1]) },
    LayoutCase("convTranspose2d", [2, 3, 3, 4], [3, 2, 3, 2]) { convTranspose2d($0[0], $0[1], stride: 2) },
    LayoutCase("convTranspose3d", [1, 2, 2, 2, 2], [2, 2, 2, 2, 2]) { convTranspose3d($0[0], $0[1]) },
    LayoutCase("maxPool1d", [2, 3, 6]) { maxPool1d($0[0], window: 2) },
    LayoutCase("maxPool2d", [2, 3, 5, 6]) { maxPool2d($0[0], window: 3, stride: 2, padding: 1) },
    LayoutCase("maxPool3d", [1, 2, 4, 4, 4]) { maxPool3d($0[0], window: 2) },
    LayoutCase("averagePool2d", [2, 3, 5, 6]) { averagePool2d($0[0], window: 2) },
    LayoutCase("averagePool3d", [1, 2, 4, 4, 4]) { averagePool3d($0[0], window: 2) },
    LayoutCase("adaptiveAveragePool2d", [2, 3, 5, 6]) { adaptiveAveragePool2d($0[0], outputSize: 2) },
    LayoutCase("adaptiveMaxPool2d", [2, 3, 5, 6]) { adaptiveMaxPool2d($0[0], outputSize: Pair(2, 3)) },
    LayoutCase("unfold", [2, 3, 4, 5]) { unfold($0[0], window: 2, padding: 1) },
    LayoutCase("fold", [2, 8, 6]) { fold($0[0], outputSize: Pair(3, 4), window: 2) },
    LayoutCase("interpolate", [2, 3, 3, 4]) { interpolate($0[0], size: [5, 3], mode: .cubic) },
    LayoutCase("pixelShuffle", [2, 4, 2, 3]) { pixelShuffle($0[0], factor: 2) },
    LayoutCase("gridSample", [2, 3, 3, 4], [2, 2, 3, 2]) { gridSample($0[0], $0[1]) },
    LayoutCase("padded", [3, 4]) { $0[0].padded([AxisPadding(axis: 0, before: 1, after: 2)], mode: .reflected) },
    LayoutCase("gathered", [3, 4]) {
      $0[0].gathered(at: Tensor([2, 0, 1, 1], shape: [1, 4], on: $0[0].device), along: 0)
    },
    LayoutCase("rows", [4, 3]) { $0[0].gathered(rows: Tensor([3, 0, 3], on: $0[0].device)) },
    LayoutCase("scatterAdding", [3, 4], [2, 4]) {
      $0[0].scatterAdding($0[1], at: Tensor([2, 0], shape: [2, 1], on: $0[0].device), along: 0)
    },
    LayoutCase("embeddingBag", [4, 3]) {
      embeddingBag(Tensor([3, 0, 3], on: $0[0].device), $0[0], offsets: Tensor([0, 1], on: $0[0].device), mode: .max)
    },
    LayoutCase("concatenated", [3, 2], [3, 4]) { concatenated($0, along: 1) },
    LayoutCase("sliced", [5, 4]) { $0[0].sliced(along: 0, from: 1, step: 2).flipped(along: 1) },
    LayoutCase("rolled", [3, 4]) { $0[0].rolled(by: 1, along: 1).tiled([2, 1]) },
    LayoutCase("softmax", [3, 4, 5]) { softmax($0[0], axis: 1) },
    LayoutCase("logSoftmax", [3, 5]) { logSoftmax($0[0]) },
    LayoutCase("layerNorm", [3, 2, 4], [4], [4]) { layerNorm($0[0], weight: $0[1], bias: $0[2]) },
    LayoutCase("rmsNorm", [3, 4], [4]) { rmsNorm($0[0], weight: $0[1]) },
    LayoutCase("groupNorm", [2, 4, 3], [4], [4]) { groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2]) },
    LayoutCase("batchNorm", [3, 2, 4], [2], [2]) { batchNorm($0[0], weight: $0[1], bias: $0[2]) },
    LayoutCase("localResponseNorm", [2, 4, 3]) { localResponseNorm($0[0], size: 3) },
    LayoutCase("l2Normalized", [3, 4]) { l2Normalized($0[0], axis: 0) },
    LayoutCase("lstm", [3, 2, 4], [12, 4], [12, 3], [12], [12]) {
      lstm($0[0], [[RecurrentWeights(input: $0[1], hidden: $0[2], inputBias: $0[3], hiddenBias: $0[4])]]).outputs
    },
    LayoutCase("gru", [3, 2, 4], [9, 4], [9, 3], [9], [9]) {
      gru($0[0], [[RecurrentWeights(input: $0[1], hidden: $0[2], inputBias: $0[3], hiddenBias: $0[4])]]).outputs
    },
    LayoutCase("attention", [2, 3, 4], [2, 5, 4], [2, 5, 3], [3, 5]) {
      scaledDotProductAttention($0[0], $0[1], $0[2], mask: $0[3])
    },
    LayoutCase("ctcLosses", [4, 2, 3]) {
      let lengths = Tensor([4, 3], on: $0[0].device)
      return ctcLosses(
        logSoftmax($0[0]), Tensor([1, 2, 2, 1], shape: [2, 2], on: $0[0].device), inputLengths: lengths,
        targetLengths: Tensor([2, 1], on: $0[0].device))
    },
    LayoutCase("crossEntropy", [3, 4]) { crossEntropy($0[0], Tensor([2, 0, 3], on: $0[0].device), reduction: .none) },
    LayoutCase("meanSquaredError", [3, 4], [3, 4]) { meanSquaredError($0[0], $0[1], reduction: .none) },
    LayoutCase("cast", [3, 4]) { $0[0].cast(to: .float16) },
  ]

  /// How the numbers of an input stand in memory.
  enum Layout: CaseIterable {
    /// Axes in reverse order, the first one backwards, the last one with a step of 2, behind other numbers.
    case scattered
    /// One row stands for all along the first axis.
    case repeated

    func lay(_ numbers: [Float], _ shape: [Int], on device: Device) -> Tensor {
      let dense = Tensor(numbers, shape: shape, on: .cpu)
      switch self {
      case .repeated:
        let row = dense.sliced(along: 0, from: 0, to: 1)
        return Tensor(try! row.scalars(as: Float.self), shape: row.shape, on: device).broadcast(to: shape)
      case .scattered:
        let last = shape.count - 1
        let order = Array(shape.indices.reversed())
        let apart = dense.flipped(along: 0).repeated(2, along: last).transposed(order)
        let behind = concatenated([Tensor.ones([1] + apart.shape.dropFirst(), on: .cpu), apart])
        let moved = Tensor(try! behind.scalars(as: Float.self), shape: behind.shape, on: device)
        return moved.sliced(along: 0, from: 1).transposed(order).sliced(along: last, step: 2).flipped(along: 0)
      }
    }
  }

  @Test(arguments: cases, Layout.allCases) func isInvisible(test: LayoutCase, layout: Layout) throws {
    for device in TestDevices.all {
      let numbers = test.shapes.enumerated().map { sample($1, phase: Double($0)) }
      let laid = zip(numbers, test.shapes).map { layout.lay($0, $1, on: device) }
      let dense = try zip(laid, test.shapes).map { Tensor(try $0.scalars(as: Float.self), shape: $1, on: .cpu) }
      let (found, expected) = (Self.run(test, laid), Self.run(test, dense))
      for (index, pair) in zip(found, expected).enumerated() {
        #expect(pair.0.shape == pair.1.shape)
        try expectClose(
          pair.0, try pair.1.scalars(as: Double.self), relative: 5e-5, absolute: 2e-5,
          "\(test.name) by \(device.name), \(index == 0 ? "value" : "gradient \(index - 1)"),")
      }
    }
  }

  /// The value, and the gradients of a weighted sum of it.
  static func run(_ test: LayoutCase, _ inputs: [Tensor]) -> [Tensor] {
    var result: Tensor?
    let (_, gradients) = valueAndGradients(at: inputs) { moved -> Tensor in
      let y = test.operation(moved)
      result = y.detached().cast(to: .float32)
      guard y.dtype.isFloatingPoint else { return Tensor.zeros([], on: y.device) }
      // The factors are a view, too: a pullback must not count on a dense gradient.
      let factors = Tensor(sample(y.shape.reversed(), phase: 2), shape: y.shape.reversed(), on: y.device)
      return (y.cast(to: .float32) * factors.transposed(Array(y.shape.indices.reversed()))).sum()
    }
    return [result!] + gradients
  }

  /// Each operation with an axis, of a tensor `[2, 3, 4]`.
  static let alongAxes: [(String, @Sendable (Tensor, Int) -> Tensor)] = [
    ("sum", { $0.sum(along: $1) }), ("max", { $0.max(along: $1) }), ("argMin", { $0.argMin(along: $1) }),
    ("standardDeviation", { $0.standardDeviation(along: $1) }), ("norm", { $0.norm(along: $1) }),
    ("cumulativeProduct", { $0.cumulativeProduct(along: $1) }),
    ("cumulativeMin", { $0.cumulativeMin(along: $1).values }),
    ("sorted", { $0.sorted(along: $1).values }), ("topK", { $0.topK(1, along: $1).values }),
    ("softmax", { softmax($0, axis: $1) }), ("logSoftmax", { logSoftmax($0, axis: $1) }),
    ("l2Normalized", { l2Normalized($0, axis: $1) }), ("cosineSimilarity", { cosineSimilarity($0, $0 + 1, axis: $1) }),
    ("selected", { $0.selected(Tensor([1, 0], on: $0.device), along: $1) }),
    ("gathered", { $0.gathered(at: Tensor.zeros([1, 1, 1], dtype: .int64, on: $0.device), along: $1) }),
    (
      "scatterAdding",
      {
        $0.scatterAdding(
          $0,
          at: $0.detached().argMax(along: $1, keepingDimensions: true)
            .broadcast(to: $0.shape), along: $1)
      }
    ),
    ("concatenated", { concatenated([$0, $0], along: $1) }), ("sliced", { $0.sliced(along: $1, from: 1) }),
    ("split", { $0.split(sizes: [1, $0.shape[$1 < 0 ? $1 + 3 : $1] - 1], along: $1)[1] }),
    ("flipped", { $0.flipped(along: $1) }), ("rolled", { $0.rolled(by: 1, along: $1) }),
    ("repeated", { $0.repeated(2, along: $1) }), ("flattened", { $0.flattened(from: $1) }),
    ("swappedAxes", { $0.swappedAxes($1, 1) }),
    ("padded", { $0.padded([AxisPadding(axis: $1, before: 1, after: 0)], mode: .circular) }),
    ("squeezed", { $0.sliced(along: $1, to: 1).squeezed(at: $1) }),
    ("diagonal", { $0.expanded(at: 0).diagonal(0, $1 < 0 ? $1 : $1 + 1) }),
    ("glu", { glu($0.padded([AxisPadding(axis: 1, before: 0, after: 1)]), axis: $1) }),
  ]

  @Test(arguments: alongAxes.map(\.0)) func axesCountFromTheEnd(name: String) throws {
    let operation = Self.alongAxes.first { $0.0 == name }!.1
    let x = sampleTensor([2, 3, 4])
    for axis in 0..<3 {
      let (one, other) = (operation(x, axis), operation(x, axis - 3))
      #expect(one.shape == other.shape)
      try expectClose(other, try one.scalars(as: Double.self), "\(name) along \(axis - 3)")
    }
  }
}
