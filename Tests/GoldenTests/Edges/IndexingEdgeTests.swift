// SPDX-License-Identifier: MIT
import Tern
import Testing

/// Picking, adding, joining and rearranging, at their edges.
@Suite struct IndexingEdgeTests {
  private static let six: [Double] = [0, 0, 0, 0, 0, 0]
  private static let table = Given([3, 2], [1, nan, 3, inf, 5, 6])

  static let picking: [EdgeCase] = [
    EdgeCase("gathered by no index", [.sample(3, 2), Given([0, 2], [], .int64)], shape: [0, 2], gradients: [six]) {
      $0[0].gathered(at: $0[1], along: 0)
    },
    EdgeCase("gathered from no columns", [.empty(3, 0), Given([2, 0], [], .int64)], shape: [2, 0], gradients: [[]]) {
      $0[0].gathered(at: $0[1], along: 0)
    },
    EdgeCase("rows by no index", [.sample(3, 2), .indices()], shape: [0, 2], gradients: [six]) {
      $0[0].gathered(rows: $0[1])
    },
    EdgeCase("selected by no index", [.sample(2, 3), .indices()], shape: [2, 0], gradients: [six]) {
      $0[0].selected($0[1], along: 1)
    },
    EdgeCase(
      "selected from an axis of one", [Given([2, 1], [4, 5]), .indices(0, 0)], shape: [2, 2],
      gives: [4, 4, 5, 5], gradients: [[3, 7]]
    ) { $0[0].selected($0[1], along: -1) },
    EdgeCase(
      "gathered NaN", [table, Given([1, 2], [2, 0], .int64)], gives: [5, nan], gradients: [[0, 2, 0, 0, 1, 0]]
    ) {
      $0[0].gathered(at: $0[1], along: 0)
    },
    EdgeCase("gathered outside", [[1, 2, 3], .indices(-1, 3, 1)], gives: [nan, nan, 2], gradients: [[0, 3, 0]]) {
      $0[0].gathered(at: $0[1], along: 0)
    },
    EdgeCase(
      "rows outside", [Given([2, 1], [1, 2]), .indices(7, -1, 1)], gives: [nan, nan, 2], gradients: [[0, 3]]
    ) {
      $0[0].gathered(rows: $0[1])
    },
    EdgeCase("scatterAdding nothing", [[1, 2], .empty(0), .indices()], gives: [1, 2], gradients: [[1, 2], []]) {
      $0[0].scatterAdding($0[1], at: $0[2], along: 0)
    },
    EdgeCase(
      "scatterAdding to nothing", [.empty(0, 2), .empty(0, 2), Given([0, 2], [], .int64)], shape: [0, 2],
      gradients: [[], []]
    ) { $0[0].scatterAdding($0[1], at: $0[2], along: 0) },
    EdgeCase(
      "scatterAdding NaN and infinity", [[1, 2, 3], [nan, inf, -inf, 5], .indices(0, 1, 1, 2)],
      gives: [nan, nan, 8], gradients: [[1, 2, 3], [1, 2, 2, 3]]
    ) { $0[0].scatterAdding($0[1], at: $0[2], along: 0) },
    EdgeCase(
      "scatterAdding outside goes nowhere", [[1, 2], [5, 6, 7], .indices(-1, 1, 2)], gives: [1, 8],
      gradients: [[1, 2], [0, 2, 0]]
    ) { y in
      // What went nowhere is looked up outside, which would be NaN.
      y[0].scatterAdding(y[1], at: y[2], along: 0)
    },
    EdgeCase("oneHot of nothing", [.indices()], shape: [0, 3]) { oneHot($0[0], classes: 3) },
    EdgeCase("oneHot outside", [.indices(-1, 0, 2)], shape: [3, 2], gives: [0, 0, 1, 0, 0, 0]) {
      oneHot($0[0], classes: 2)
    },
    EdgeCase("oneHot of one class", [.indices(0)], shape: [1, 1], gives: [1]) { oneHot($0[0], classes: 1) },
    EdgeCase("filled without elements", [.empty(2, 0), .mask()], shape: [2, 0], gradients: [[]]) {
      $0[0].filled(where: $0[1], with: 3)
    },
    EdgeCase("filled by infinity", [[1, nan], .mask(true, true)], gives: [-inf, -inf], gradients: [[0, 0]]) {
      $0[0].filled(where: $0[1], with: -.infinity)
    },
  ]

  static let embeddings: [EdgeCase] = [
    EdgeCase("embedding of no index", [.sample(3, 2), .indices()], shape: [0, 2], gradients: [six]) {
      embedding($0[1], $0[0])
    },
    EdgeCase("embedding of no index, padded", [.sample(3, 2), .indices()], shape: [0, 2], gradients: [six]) {
      embedding($0[1], $0[0], paddingIndex: -1)
    },
    EdgeCase("embedding of NaN", [table, .indices(1, 0)], gives: [3, inf, 1, nan], gradients: [[3, 4, 1, 2, 0, 0]]) {
      embedding($0[1], $0[0])
    },
    EdgeCase(
      "bags without entries", [.sample(3, 2), .indices(), .indices(0, 0)], shape: [2, 2], gives: [0, 0, 0, 0],
      gradients: [six]
    ) { embeddingBag($0[1], $0[0], offsets: $0[2], mode: .mean) },
    EdgeCase("no bags", [.sample(3, 2), Given([0, 2], [], .int64)], shape: [0, 2], gradients: [six]) {
      embeddingBag($0[1], $0[0], mode: .sum)
    },
    EdgeCase(
      "the greatest of an empty bag", [.sample(3, 2), .indices(1), .indices(0, 1)], gradients: [[0, 0, 1, 2, 0, 0]]
    ) {
      embeddingBag($0[1], $0[0], offsets: $0[2], mode: .max)
    },
    EdgeCase(
      "sums of NaN", [table, .indices(0, 1, 2), .indices(0, 2)], gives: [4, nan, 5, 6],
      gradients: [[1, 2, 1, 2, 3, 4]]
    ) { embeddingBag($0[1], $0[0], offsets: $0[2], mode: .sum) },
    EdgeCase(
      "the greatest of NaN", [table, .indices(2, 0, 1), .indices(0)], gives: [5, nan],
      gradients: [[0, 2, 0, 0, 1, 0]]
    ) { embeddingBag($0[1], $0[0], offsets: $0[2], mode: .max) },
    EdgeCase(
      "the greatest of -infinity", [Given([2, 1], [-inf, -inf]), .indices(1, 0), .indices(0)], gives: [-inf],
      gradients: [[0, 1]]
    ) { embeddingBag($0[1], $0[0], offsets: $0[2], mode: .max) },
    EdgeCase(
      "bags of one column", [Given([2, 1], [3, 4]), .indices(1, 1), .indices(0)], gives: [8], gradients: [[0, 2]]
    ) {
      embeddingBag($0[1], $0[0], offsets: $0[2], mode: .sum)
    },
  ]

  static let arranging: [EdgeCase] = [
    EdgeCase(
      "concatenated with nothing", [.empty(0, 2), Given([1, 2], [1, 2])], shape: [1, 2], gives: [1, 2],
      gradients: [[], [1, 2]]
    ) { concatenated($0) },
    EdgeCase("concatenated nothing", [.empty(2, 0), .empty(2, 0)], shape: [2, 0], gradients: [[], []]) {
      concatenated($0, along: -1)
    },
    EdgeCase("stacked nothing", [.empty(0), .empty(0)], shape: [0, 2], gradients: [[], []]) {
      stacked($0, along: -1)
    },
    EdgeCase("split off nothing", [Given([2, 1], [1, 2])], shape: [0, 1], gradients: [[0, 0]]) {
      $0[0].split(sizes: [0, 2])[0]
    },
    EdgeCase("sliced to nothing", [.sample(2, 3)], shape: [2, 0], gradients: [six]) {
      $0[0].sliced(along: 1, from: 2, to: 2)
    },
    EdgeCase("sliced nothing", [.empty(3, 0)], shape: [2, 0], gradients: [[]]) { $0[0].sliced(along: 0, step: 2) },
    EdgeCase("a step beyond the end", [[1, nan, 3]], gives: [1], gradients: [[1, 0, 0]]) {
      $0[0].sliced(along: 0, step: 7)
    },
    EdgeCase("flipped nothing", [.empty(0, 2)], shape: [0, 2], gradients: [[]]) { $0[0].flipped(along: 0, 1) },
    EdgeCase("rolled nothing", [.empty(2, 0)], shape: [2, 0], gradients: [[]]) { $0[0].rolled(by: 3, along: 1) },
    EdgeCase("rolled more than once around", [[1, nan, inf]], gives: [nan, inf, 1], gradients: [[3, 1, 2]]) {
      $0[0].rolled(by: -4, along: -1)
    },
    EdgeCase("tiled to nothing", [[1, 2]], shape: [0], gradients: [[0, 0]]) { $0[0].tiled([0]) },
    EdgeCase("tiled nothing", [.empty(0, 2)], shape: [0, 4], gradients: [[]]) { $0[0].tiled([3, 2]) },
    EdgeCase(
      "repeated axis of one", [Given([1, 2], [nan, 2])], shape: [3, 2], gives: [nan, 2, nan, 2, nan, 2],
      gradients: [[9, 12]]
    ) { $0[0].repeated(3, along: 0) },
    EdgeCase("permuted nothing", [.empty(2, 0, 3)], shape: [3, 2, 0], gradients: [[]]) {
      $0[0].transposed([-1, 0, 1])
    },
    EdgeCase("reshaped nothing", [.empty(2, 0)], shape: [0, 5], gradients: [[]]) { $0[0].reshaped(to: [0, 5]) },
    EdgeCase("inferred axis of nothing", [.empty(0, 4)], shape: [0, 2], gradients: [[]]) {
      $0[0].reshaped(to: [-1, 2])
    },
    EdgeCase("flattened nothing", [.empty(3, 0, 2)], shape: [3, 0], gradients: [[]]) { $0[0].flattened(from: 1) },
    EdgeCase("broadcast to nothing", [Given([1, 2], [1, 2])], shape: [0, 2], gradients: [[0, 0]]) {
      $0[0].broadcast(to: [0, 2])
    },
    EdgeCase("expanded and squeezed nothing", [.empty(0)], shape: [0], gradients: [[]]) {
      $0[0].expanded(at: -1).squeezed(at: 1)
    },
    EdgeCase("diagonal of one", [Given([1, 1], [inf])], gives: [inf], gradients: [[1]]) { $0[0].diagonal() },
    EdgeCase("diagonal beside the matrix", [Given([1, 2], [1, 2])], shape: [0], gradients: [[0, 0]]) {
      $0[0].diagonal(offset: 5)
    },
    EdgeCase(
      "lower triangle of NaN", [Given([2, 2], [1, nan, inf, nan])], gives: [1, 0, inf, nan],
      gradients: [[1, 0, 3, 4]]
    ) { $0[0].lowerTriangle() },
    EdgeCase("upper triangle of nothing", [.empty(0, 2, 2)], shape: [0, 2, 2], gradients: [[]]) {
      $0[0].upperTriangle(diagonal: 1)
    },
    EdgeCase("padded nothing", [.empty(0)], gives: [7, 7, 7], gradients: [[]]) {
      $0[0].padded([AxisPadding(axis: 0, before: 1, after: 2)], mode: .constant(7))
    },
    EdgeCase("padded beside nothing", [.empty(2, 0)], shape: [4, 0], gradients: [[]]) {
      $0[0].padded([AxisPadding(axis: 0, before: 1, after: 1)], mode: .replicated)
    },
    EdgeCase("cropped to nothing", [[1, 2]], shape: [0], gradients: [[0, 0]]) {
      $0[0].padded([AxisPadding(axis: -1, before: -1, after: -1)])
    },
    EdgeCase("replicated NaN", [[nan, 2]], gives: [nan, nan, nan, 2, 2], gradients: [[6, 9]]) {
      $0[0].padded([AxisPadding(axis: 0, before: 2, after: 1)], mode: .replicated)
    },
    EdgeCase("once around an axis of one", [[3]], gives: [3, 3, 3], gradients: [[6]]) {
      $0[0].padded([AxisPadding(axis: 0, before: 1, after: 1)], mode: .circular)
    },
    EdgeCase("reflected infinity", [[1, inf, 3]], gives: [inf, 1, inf, 3, inf], gradients: [[2, 9, 4]]) {
      $0[0].padded([AxisPadding(axis: 0, before: 1, after: 1)], mode: .reflected)
    },
  ]

  @Test(arguments: picking + embeddings + arranging) func isRight(edge: EdgeCase) throws { try edge.check() }
}
