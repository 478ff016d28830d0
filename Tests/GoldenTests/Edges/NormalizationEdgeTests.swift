// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernNN
import TestSupport
import Testing

/// Softmax and normalizations of nothing, of one, of NaN and of infinities.
@Suite struct NormalizationEdgeTests {
  static let softmaxes: [EdgeCase] = [
    EdgeCase("softmax without rows", [.empty(0, 3)], shape: [0, 3], gradients: [[]]) { softmax($0[0]) },
    EdgeCase("softmax of no classes", [.empty(2, 0)], shape: [2, 0], gradients: [[]]) { softmax($0[0]) },
    EdgeCase("logSoftmax along an empty axis", [.empty(0, 3)], shape: [0, 3], gradients: [[]]) {
      logSoftmax($0[0], axis: 0)
    },
    EdgeCase("softmax of one class", [Given([2, 1], [3, -inf])], gives: [1, nan], gradients: [[0, nan]]) {
      softmax($0[0])
    },
    EdgeCase("logSoftmax over an axis of one", [Given([1, 2], [3, 4])], gives: [0, 0], gradients: [[0, 0]]) {
      logSoftmax($0[0], axis: -2)
    },
    EdgeCase(
      "softmax beside -infinity", [[-inf, 0, 1]], gives: [0, 0.268_941_421, 0.731_058_579],
      gradients: [[0, -0.196_611_933, 0.196_611_933]]
    ) { softmax($0[0]) },
    EdgeCase(
      "softmax of -infinity", [Given([2, 2], [-inf, -inf, 0, 0])], gives: [nan, nan, 0.5, 0.5],
      gradients: [[nan, nan, -0.25, 0.25]]
    ) { softmax($0[0]) },
    EdgeCase("softmax of infinity", [[inf, 0]], gives: [nan, nan], gradients: [[nan, nan]]) { softmax($0[0]) },
    EdgeCase("softmax of NaN", [Given([2, 2], [nan, 1, 2, nan])], gives: [nan, nan, nan, nan]) {
      softmax($0[0], axis: 0)
    },
    EdgeCase(
      "logSoftmax beside -infinity", [[-inf, 0, 1]], gives: [-inf, -1.313_261_688, -0.313_261_688],
      gradients: [[1, 0.386_351_472, -1.386_351_472]]
    ) { logSoftmax($0[0]) },
    EdgeCase("logSoftmax of -infinity", [[-inf, -inf]], gives: [nan, nan], gradients: [[nan, nan]]) {
      logSoftmax($0[0])
    },
    EdgeCase("logSoftmax of infinity", [[inf, 0]], gives: [nan, nan], gradients: [[nan, nan]]) { logSoftmax($0[0]) },
  ]

  static let normalizations: [EdgeCase] = [
    EdgeCase(
      "layerNorm without rows", [.empty(0, 3), [1, 2, 3], [4, 5, 6]], shape: [0, 3],
      gradients: [[], [0, 0, 0], [0, 0, 0]]
    ) { layerNorm($0[0], weight: $0[1], bias: $0[2]) },
    EdgeCase("layerNorm of no columns", [.empty(2, 0)], shape: [2, 0], gradients: [[]]) { layerNorm($0[0]) },
    EdgeCase("layerNorm of one", [Given([2, 1], [3, 4]), [2], [5]], gives: [5, 5], gradients: [[0, 0], [0], [3]]) {
      layerNorm($0[0], weight: $0[1], bias: $0[2])
    },
    EdgeCase(
      "layerNorm keeps NaN in its row", [Given([2, 2], [nan, 1, 1, 3])], gives: [nan, nan, -0.999_995, 0.999_995],
      gradients: [[nan, nan, -5e-6, 5e-6]]
    ) { layerNorm($0[0]) },
    EdgeCase(
      "layerNorm keeps infinity in its row", [Given([2, 2], [inf, 1, 1, 3])],
      gives: [nan, nan, -0.999_995, 0.999_995]
    ) { layerNorm($0[0]) },
    EdgeCase("rmsNorm without rows", [.empty(0, 2), [1, 2]], shape: [0, 2], gradients: [[], [0, 0]]) {
      rmsNorm($0[0], weight: $0[1])
    },
    EdgeCase("rmsNorm of 0", [Given([1, 2], [0, 0])], gives: [0, 0], gradients: [[1000, 2000]]) { rmsNorm($0[0]) },
    EdgeCase("rmsNorm of NaN", [Given([2, 1], [nan, 3])], gives: [nan, 1]) { rmsNorm($0[0]) },
    EdgeCase(
      "groupNorm without samples", [.empty(0, 4, 2), .sample(4), .sample(4)], shape: [0, 4, 2],
      gradients: [[], [0, 0, 0, 0], [0, 0, 0, 0]]
    ) { groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2]) },
    EdgeCase(
      "groupNorm without positions", [.empty(2, 2, 0), .sample(2)], shape: [2, 2, 0], gradients: [[], [0, 0]]
    ) {
      groupNorm($0[0], groups: 1, weight: $0[1])
    },
    EdgeCase("groupNorm of NaN", [Given([1, 2, 2], [nan, 1, 1, 3])], gives: [nan, nan, -0.999_995, 0.999_995]) {
      groupNorm($0[0], groups: 2)
    },
    EdgeCase("instanceNorm without samples", [.empty(0, 2, 3)], shape: [0, 2, 3], gradients: [[]]) {
      instanceNorm($0[0])
    },
    EdgeCase(
      "instanceNorm of one position", [Given([1, 2, 1], [3, 4]), [2, 2], [5, 6]], gives: [5, 6],
      gradients: [[0, 0], [0, 0], [1, 2]]
    ) { instanceNorm($0[0], weight: $0[1], bias: $0[2]) },
    EdgeCase(
      "batchNorm keeps NaN in its channel", [Given([2, 2], [nan, 1, 1, 3])],
      gives: [nan, -0.999_995, nan, 0.999_995]
    ) { batchNorm($0[0]) },
    EdgeCase("rectified batchNorm of NaN", [Given([2, 2], [nan, 1, 1, 3])], gives: [nan, 0, nan, 0.999_995]) {
      batchNorm($0[0], activation: .relu)
    },
    EdgeCase("localResponseNorm without samples", [.empty(0, 2, 3)], shape: [0, 2, 3], gradients: [[]]) {
      localResponseNorm($0[0], size: 2)
    },
    EdgeCase("localResponseNorm keeps NaN near", [Given([1, 3, 1], [nan, 1, 1])], shape: [1, 3, 1]) {
      localResponseNorm($0[0], size: 2)
    },
    EdgeCase("l2Normalized nothing", [.empty(2, 0)], shape: [2, 0], gradients: [[]]) { l2Normalized($0[0]) },
    EdgeCase("l2Normalized 0", [[0, 0]], gives: [0, 0]) { l2Normalized($0[0]) },
    EdgeCase("l2Normalized infinity", [[inf, 1]], gives: [nan, 0]) { l2Normalized($0[0]) },
    EdgeCase("cosineSimilarity of nothing", [.empty(0, 2), .empty(0, 2)], shape: [0], gradients: [[], []]) {
      cosineSimilarity($0[0], $0[1])
    },
    EdgeCase("cosineSimilarity with 0", [Given([1, 2], [0, 0]), Given([1, 2], [1, 2])], gives: [0]) {
      cosineSimilarity($0[0], $0[1])
    },
    EdgeCase("pairwiseDistance of nothing", [.empty(0, 2), .empty(0, 2)], shape: [0], gradients: [[], []]) {
      pairwiseDistance($0[0], $0[1])
    },
  ]

  @Test(arguments: softmaxes + normalizations) func isRight(edge: EdgeCase) throws { try edge.check() }
}
