// SPDX-License-Identifier: MIT
import Foundation
import Tern
import Testing

/// Reductions, running sums and orders of nothing, of one, of NaN and of infinities.
@Suite struct ReductionEdgeTests {
  static let empty: [EdgeCase] = [
    EdgeCase("sum", [.empty(0, 2)], shape: [2], gives: [0, 0], gradients: [[]]) { $0[0].sum(along: 0) },
    EdgeCase("sum, nothing left", [.empty(0, 2)], shape: [0], gradients: [[]]) { $0[0].sum(along: 1) },
    EdgeCase("sum of all", [.empty(3, 0)], shape: [], gives: [0], gradients: [[]]) { $0[0].sum() },
    EdgeCase("sum of integers", [Given([0], [], .int32)], shape: [], gives: [0]) { $0[0].sum() },
    EdgeCase("product", [.empty(2, 0)], shape: [2], gives: [1, 1], gradients: [[]]) { $0[0].product(along: -1) },
    EdgeCase("mean", [.empty(2, 0)], shape: [2, 1], gives: [nan, nan], gradients: [[]]) {
      $0[0].mean(along: 1, keepingDimensions: true)
    },
    EdgeCase("logSumExp", [.empty(2, 0)], shape: [2], gives: [-inf, -inf], gradients: [[]]) {
      $0[0].logSumExp(along: 1)
    },
    EdgeCase("variance", [.empty(0, 2)], shape: [2], gives: [nan, nan], gradients: [[]]) { $0[0].variance(along: 0) },
    EdgeCase("standardDeviation", [.empty(0, 2)], shape: [2], gives: [nan, nan], gradients: [[]]) {
      $0[0].standardDeviation(along: 0)
    },
    EdgeCase("norm", [.empty(0)], shape: [], gives: [0], gradients: [[]]) { $0[0].norm() },
    EdgeCase("norm of order 3", [.empty(2, 0)], shape: [2], gives: [0, 0], gradients: [[]]) {
      $0[0].norm(order: 3, along: 1)
    },
    EdgeCase("max, nothing left", [.empty(0, 2)], shape: [0], gradients: [[]]) { $0[0].max(along: 1) },
    EdgeCase("argMax, nothing left", [.empty(0, 2)], shape: [0]) { $0[0].argMax(along: 1) },
    EdgeCase("all and any", [.mask()], shape: [2], gives: [1, 0]) {
      stacked([$0[0].all(), $0[0].any()]).cast(to: .int64)
    },
    EdgeCase("cumulativeSum", [.empty(2, 0)], shape: [2, 0], gradients: [[]]) {
      $0[0].cumulativeSum(along: 1, isReversed: true, isExclusive: true)
    },
    EdgeCase("cumulativeProduct", [.empty(0, 2)], shape: [0, 2], gradients: [[]]) {
      $0[0].cumulativeProduct(along: 1)
    },
    EdgeCase("cumulativeMax", [.empty(0, 2)], shape: [0, 2], gradients: [[]]) { $0[0].cumulativeMax(along: 0).values },
    EdgeCase("sorted", [.empty(3, 0)], shape: [3, 0], gradients: [[]]) { $0[0].sorted().values },
    EdgeCase("topK of none", [.sample(2, 3)], shape: [2, 0], gradients: [[0, 0, 0, 0, 0, 0]]) { $0[0].topK(0).values },
    EdgeCase("topK of no rows", [.empty(0, 3)], shape: [0, 2], gradients: [[]]) { $0[0].topK(2).values },
  ]

  static let single: [EdgeCase] = [
    EdgeCase("product", [[-3]], shape: [], gives: [-3], gradients: [[1]]) { $0[0].product(along: 0) },
    EdgeCase("mean of a scalar", [Given([], [4])], shape: [], gives: [4], gradients: [[1]]) { $0[0].mean() },
    EdgeCase("max over an axis of one", [Given([2, 1], [1, 2])], shape: [2], gives: [1, 2], gradients: [[1, 2]]) {
      $0[0].max(along: 1)
    },
    EdgeCase("argMin over an axis of one", [Given([2, 1], [1, 2])], shape: [2], gives: [0, 0]) {
      $0[0].argMin(along: -1)
    },
    EdgeCase("logSumExp", [Given([1, 1], [7])], shape: [1], gives: [7], gradients: [[1]]) { $0[0].logSumExp(along: 0) },
    EdgeCase("variance", [[3]], shape: [], gives: [0], gradients: [[0]]) { $0[0].variance() },
    EdgeCase("unbiased variance", [[3]], shape: [], gives: [nan], gradients: [[nan]]) {
      $0[0].variance(unbiased: true)
    },
    EdgeCase("standardDeviation", [[3]], shape: [], gives: [0], gradients: [[0]]) { $0[0].standardDeviation() },
    EdgeCase("cumulativeProduct", [Given([2, 1], [0, 2])], shape: [2, 1], gives: [0, 2], gradients: [[1, 2]]) {
      $0[0].cumulativeProduct(along: 1)
    },
    EdgeCase("exclusive cumulativeSum", [Given([2, 1], [3, 2])], shape: [2, 1], gives: [0, 0], gradients: [[0, 0]]) {
      $0[0].cumulativeSum(along: 1, isExclusive: true)
    },
    EdgeCase("sorted", [Given([2, 1], [2, 1])], shape: [2, 1], gives: [2, 1], gradients: [[1, 2]]) {
      $0[0].sorted(along: 1).values
    },
    EdgeCase("topK", [Given([1], [2])], shape: [1], gives: [0]) { $0[0].topK(1).positions },
  ]

  static let notFinite: [EdgeCase] = [
    EdgeCase("sum of NaN", [[1, nan]], gives: [nan], gradients: [[1, 1]]) { $0[0].sum() },
    EdgeCase("sum of opposites", [[inf, -inf]], gives: [nan], gradients: [[1, 1]]) { $0[0].sum() },
    EdgeCase("mean of infinity", [[1, inf]], gives: [inf], gradients: [[0.5, 0.5]]) { $0[0].mean() },
    EdgeCase("product of infinities", [[inf, -inf]], gives: [-inf]) { $0[0].product() },
    EdgeCase("product of zeros", [[0, 0]], gives: [0], gradients: [[0, 0]]) { $0[0].product() },
    EdgeCase("max takes NaN", [[1, nan, 2, nan]], gives: [nan], gradients: [[0, 0.5, 0, 0.5]]) { $0[0].max() },
    EdgeCase("min takes NaN", [[1, nan, 2]], gives: [nan], gradients: [[0, 1, 0]]) { $0[0].min() },
    EdgeCase("max of -infinity", [[-inf, -inf]], gives: [-inf], gradients: [[0.5, 0.5]]) { $0[0].max() },
    EdgeCase("min of infinity", [Given([2, 2], [inf, inf, 1, inf])], gives: [inf, 1], gradients: [[0.5, 0.5, 2, 0]]) {
      $0[0].min(along: 1)
    },
    EdgeCase("argMax finds NaN", [[1, nan, 2, nan]], gives: [1]) { $0[0].argMax(along: 0) },
    EdgeCase("argMin finds NaN", [[1, nan, -2, -inf]], gives: [1]) { $0[0].argMin(along: 0) },
    EdgeCase("argMax of -infinity", [[-inf, -inf]], gives: [0]) { $0[0].argMax(along: 0) },
    EdgeCase("logSumExp beside -infinity", [[-inf, 0]], gives: [0], gradients: [[0, 1]]) { $0[0].logSumExp() },
    EdgeCase("logSumExp of -infinity", [[-inf, -inf]], gives: [-inf]) { $0[0].logSumExp() },
    EdgeCase("logSumExp of infinity", [[1, inf]], gives: [inf]) { $0[0].logSumExp() },
    EdgeCase("logSumExp of NaN", [[1, nan]], gives: [nan], gradients: [[nan, nan]]) { $0[0].logSumExp() },
    EdgeCase("variance of infinity", [[1, inf]], gives: [nan]) { $0[0].variance() },
    EdgeCase("norm of infinity", [[1, inf]], gives: [inf], gradients: [[0, nan]]) { $0[0].norm() },
    EdgeCase("norm of 0", [[0, 0]], gives: [0], gradients: [[0, 0]]) { $0[0].norm() },
    EdgeCase("greatest of NaN", [[1, nan]], gives: [nan]) { $0[0].norm(order: .infinity) },
    EdgeCase("cumulativeSum", [[1, inf, -inf, 1]], gives: [1, inf, nan, nan], gradients: [[10, 9, 7, 4]]) {
      $0[0].cumulativeSum(along: 0)
    },
    EdgeCase("cumulativeProduct", [[2, 0, inf, 1]], gives: [2, 0, nan, nan]) { $0[0].cumulativeProduct(along: 0) },
    EdgeCase(
      "cumulativeMax keeps NaN", [[1, nan, 3, nan, 2]], gives: [1, nan, nan, nan, nan]
    ) { $0[0].cumulativeMax(along: 0).values },
    EdgeCase("cumulativeMax of -infinity", [[-inf, -inf, 1]], gives: [-inf, -inf, 1]) {
      $0[0].cumulativeMax(along: 0).values
    },
    EdgeCase("cumulativeMin keeps NaN", [[1, nan, -inf]], gives: [1, nan, nan]) {
      $0[0].cumulativeMin(along: 0).values
    },
    EdgeCase(
      "sorted puts NaN last", [[nan, 1, inf, -inf, nan, 0]], gives: [-inf, 0, 1, inf, nan, nan],
      gradients: [[5, 3, 4, 1, 6, 2]]
    ) { $0[0].sorted().values },
    EdgeCase("descending puts NaN first", [[nan, 1, inf, -inf, nan, 0]], gives: [0, 4, 2, 1, 5, 3]) {
      $0[0].sorted(descending: true).positions
    },
    EdgeCase("sorted keeps the order of zeros", [[0, -0.0, 0]], gives: [0, 1, 2]) { $0[0].sorted().positions },
    EdgeCase("topK takes NaN", [[nan, 1, inf, -inf, 2]], gives: [nan, inf, 2], gradients: [[1, 0, 2, 0, 3]]) {
      $0[0].topK(3).values
    },
    EdgeCase("least topK leaves NaN", [[nan, 1, inf, -inf, 2]], gives: [-inf, 1, 2], gradients: [[0, 2, 0, 1, 3]]) {
      $0[0].topK(3, largest: false).values
    },
  ]

  @Test(arguments: empty + single + notFinite) func isRight(edge: EdgeCase) throws { try edge.check() }
}
