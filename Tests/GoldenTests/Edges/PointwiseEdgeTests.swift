// SPDX-License-Identifier: MIT
import Foundation
import Tern
import Testing

/// What is no number, what is infinite, and nothing at all, through operations element by element.
@Suite struct PointwiseEdgeTests {
  private static let odd: Given = [nan, inf, -inf, 0, -1]

  /// A function at NaN, the infinities, 0 and -1.
  private static func at(_ name: String, _ values: [Double], _ f: @escaping @Sendable (Tensor) -> Tensor) -> EdgeCase {
    EdgeCase(name, [odd], gives: values) { f($0[0]) }
  }

  static let functions: [EdgeCase] = [
    at("relu", [nan, inf, 0, 0, 0]) { relu($0) },
    at("leakyReLU", [nan, inf, -inf, 0, -0.01]) { leakyReLU($0) },
    at("elu", [nan, inf, -1, 0, Foundation.exp(-1) - 1]) { elu($0) },
    at("celu", [nan, inf, -1, 0, Foundation.exp(-1) - 1]) { celu($0) },
    at("selu", [nan, inf, -1.758_099_341, 0, -1.111_330_738]) { selu($0) },
    at("softplus", [nan, inf, 0, Foundation.log(2), 0.313_261_688]) { softplus($0) },
    at("logSigmoid", [nan, 0, -inf, -Foundation.log(2), -1.313_261_688]) { logSigmoid($0) },
    at("gelu", [nan, inf, nan, 0, -0.158_655_254]) { gelu($0) },
    at("silu", [nan, inf, nan, 0, -0.268_941_421]) { silu($0) },
    at("mish", [nan, inf, nan, 0, -0.303_401_461]) { mish($0) },
    at("softsign", [nan, nan, nan, 0, -0.5]) { softsign($0) },
    at("hardTanh", [nan, 1, -1, 0, -1]) { hardTanh($0) },
    at("relu6", [nan, 6, 0, 0, 0]) { relu6($0) },
    at("hardSigmoid", [nan, 1, 0, 0.5, 1.0 / 3]) { hardSigmoid($0) },
    at("hardSwish", [nan, inf, nan, 0, -1.0 / 3]) { hardSwish($0) },
    at("prelu", [nan, inf, -inf, 0, -0.25]) { prelu($0, Tensor([0.25 as Float], on: $0.device)) },
    at("sigmoid", [nan, 1, 0, 0.5, 0.268_941_421]) { sigmoid($0) },
    at("tanh", [nan, 1, -1, 0, -0.761_594_156]) { tanh($0) },
    at("exp", [nan, inf, 0, 1, Foundation.exp(-1)]) { exp($0) },
    at("expMinusOne", [nan, inf, -1, 0, Foundation.exp(-1) - 1]) { expMinusOne($0) },
    at("log", [nan, inf, nan, -inf, nan]) { log($0) },
    at("logOnePlus", [nan, inf, nan, 0, -inf]) { logOnePlus($0) },
    at("sqrt", [nan, inf, nan, 0, nan]) { sqrt($0) },
    at("rsqrt", [nan, 0, nan, inf, nan]) { rsqrt($0) },
    at("reciprocal", [nan, 0, 0, inf, -1]) { reciprocal($0) },
    at("square", [nan, inf, inf, 0, 1]) { square($0) },
    at("abs", [nan, inf, inf, 0, 1]) { abs($0) },
    at("sin", [nan, nan, nan, 0, -0.841_470_985]) { sin($0) },
    at("cos", [nan, nan, nan, 1, 0.540_302_306]) { cos($0) },
    at("tan", [nan, nan, nan, 0, -1.557_407_725]) { tan($0) },
    at("atan", [nan, .pi / 2, -.pi / 2, 0, -.pi / 4]) { atan($0) },
    at("asin", [nan, nan, nan, 0, -.pi / 2]) { asin($0) },
    at("acos", [nan, nan, nan, .pi / 2, .pi]) { acos($0) },
    at("sinh", [nan, inf, -inf, 0, -1.175_201_194]) { sinh($0) },
    at("cosh", [nan, inf, inf, 1, 1.543_080_635]) { cosh($0) },
    at("asinh", [nan, inf, -inf, 0, -0.881_373_587]) { asinh($0) },
    at("acosh", [nan, inf, nan, nan, nan]) { acosh($0) },
    at("atanh", [nan, nan, nan, 0, -inf]) { atanh($0) },
    at("erf", [nan, 1, -1, 0, -0.842_700_793]) { erf($0) },
    at("floor", [nan, inf, -inf, 0, -1]) { floor($0) },
    at("ceil", [nan, inf, -inf, 0, -1]) { ceil($0) },
    at("round", [nan, inf, -inf, 0, -1]) { round($0) },
    at("clamp", [nan, 0.5, -0.5, 0, -0.5]) { clamp($0, min: -0.5, max: 0.5) },
    at("pow 3", [nan, inf, -inf, 0, -1]) { pow($0, 3) },
    at("isNaN", [1, 0, 0, 0, 0]) { $0.isNaN() },
    at("isFinite", [0, 0, 0, 1, 1]) { $0.isFinite() },
    at(".==", [0, 1, 1, 1, 1]) { $0 .== $0 },
    at(".!=", [1, 0, 0, 0, 0]) { $0 .!= $0 },
    at(".<", [0, 0, 1, 0, 1]) { $0 .< 0 },
    at(".<=", [0, 0, 1, 1, 1]) { $0 .<= 0 },
    at(".>", [0, 1, 0, 0, 0]) { $0 .> 0 },
    at(".>=", [0, 1, 0, 1, 0]) { $0 .>= 0 },
  ]

  static let others: [EdgeCase] = [
    EdgeCase(
      "relu passes the gradient of NaN", [[nan, inf, -inf, 0, 2]], gives: [nan, inf, 0, 0, 2],
      gradients: [[1, 2, 0, 0, 5]]
    ) { relu($0[0]) },
    EdgeCase(
      "maximum takes NaN of either side", [[nan, 1, inf, -inf, 2], [1, nan, inf, 0, 2]], gives: [nan, nan, inf, 0, 2],
      gradients: [[1, 2, 1.5, 0, 2.5], [1, 2, 1.5, 4, 2.5]]
    ) { maximum($0[0], $0[1]) },
    EdgeCase(
      "minimum takes NaN of either side", [[nan, 1, inf, -inf, 2], [1, nan, inf, 0, 2]],
      gives: [nan, nan, inf, -inf, 2], gradients: [[1, 2, 1.5, 4, 2.5], [1, 2, 1.5, 0, 2.5]]
    ) { minimum($0[0], $0[1]) },
    EdgeCase(
      "clamp passes nothing of NaN", [[nan, inf, -inf, 0]], gives: [nan, 1, -1, 0], gradients: [[0, 0, 0, 4]]
    ) { clamp($0[0], min: -1, max: 1) },
    EdgeCase(
      "pow of tensors", [[0, 0, 0, -8, inf, nan, 1, 2], [0, -1, 2, 1.0 / 3, 0, 0, nan, inf]],
      gives: [1, inf, 0, nan, 1, 1, 1, inf],
      gradients: [[0, -inf, 0, nan, 0, 0, nan, inf], [0, -inf, 0, nan, inf, nan, 0, inf]]
    ) { pow($0[0], $0[1]) },
    EdgeCase("pow 0 has no slope", [[0, nan, inf]], gives: [1, 1, 1], gradients: [[0, 0, 0]]) { pow($0[0], 0) },
    EdgeCase(
      "division by 0", [[0, 1, -1, inf], [0, 0, 0, inf]], gives: [nan, inf, -inf, nan],
      gradients: [[inf, inf, inf, 0], [nan, -inf, inf, nan]]
    ) { $0[0] / $0[1] },
    EdgeCase(
      "where ignores NaN that it does not pick", [[nan, 1], [2, nan]], gives: [2, 1], gradients: [[0, 2], [1, 0]]
    ) { `where`(Tensor([false, true], on: $0[0].device), $0[0], $0[1]) },
    EdgeCase("filled covers NaN", [[nan, 1], .mask(true, false)], gives: [5, 1], gradients: [[0, 2]]) {
      $0[0].filled(where: $0[1], with: 5)
    },
    EdgeCase("sum of nothing and a row", [.empty(0, 3), [1, 2, 3]], shape: [0, 3], gradients: [[], [0, 0, 0]]) {
      $0[0] + $0[1]
    },
    EdgeCase("product of nothing and one", [.empty(0), Given([1], [2])], shape: [0], gradients: [[], [0]]) {
      $0[0] * $0[1]
    },
    EdgeCase("functions of nothing", [.empty(2, 0)], shape: [2, 0], gradients: [[]]) { gelu(exp($0[0]) / 2) },
    EdgeCase("comparison of nothing", [.empty(0, 2)], shape: [0, 2]) { ($0[0] .< 1) .& ($0[0] .>= $0[0]) },
    EdgeCase("choice of nothing", [.empty(0), .mask()], shape: [0], gradients: [[]]) { `where`($0[1], $0[0], 1) },
    EdgeCase("one element and a scalar", [Given([1, 1], [3]), Given([], [2])], shape: [1, 1], gives: [6]) {
      $0[0] * $0[1]
    },
    EdgeCase(
      "both sides broadcast", [Given([3, 1], [1, 2, 3]), Given([1, 2], [10, 20])], shape: [3, 2],
      gives: [11, 21, 12, 22, 13, 23], gradients: [[3, 7, 11], [9, 12]]
    ) { $0[0] + $0[1] },
  ]

  @Test(arguments: functions + others) func isRight(edge: EdgeCase) throws { try edge.check() }
}
