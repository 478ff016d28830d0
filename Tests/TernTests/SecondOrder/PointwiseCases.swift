// SPDX-License-Identifier: MIT
import TestSupport

@testable import Tern

typealias Case = DerivativeCase

/// The differentiable functions of `Tern`, each at least once.
enum SecondOrderCases {
  static let all =
    mathematics + activations + operators + reductions + products + shapes + indexing + networks + spatial + sequences

  static let mathematics: [Case] = [
    Case("exp", [5]) { exp($0) }, Case("expMinusOne", [5]) { expMinusOne($0) },
    Case("log", [5], shift: 2) { log($0) }, Case("logOnePlus", [5], shift: 1.5) { logOnePlus($0) },
    Case("sqrt", [5], shift: 2) { sqrt($0) }, Case("rsqrt", [5], shift: 2) { rsqrt($0) },
    Case("reciprocal", [5], shift: 2) { reciprocal($0) }, Case("square", [5]) { square($0) },
    Case("abs", [5]) { abs($0) }, Case("sin", [5]) { sin($0) }, Case("cos", [5]) { cos($0) },
    Case("tan", [5], scale: 0.8) { tan($0) }, Case("tanh", [3, 2], .transposed) { tanh($0) },
    Case("sigmoid", [3, 2], .spaced) { sigmoid($0) }, Case("erf", [5]) { erf($0) }, Case("atan", [5]) { atan($0) },
    Case("asin", [5], scale: 0.7) { asin($0) }, Case("acos", [5], scale: 0.7) { acos($0) },
    Case("sinh", [5]) { sinh($0) }, Case("cosh", [5]) { cosh($0) }, Case("asinh", [5]) { asinh($0) },
    Case("acosh", [5], shift: 2.6) { acosh($0) }, Case("atanh", [5], scale: 0.7) { atanh($0) },
    Case("sign", [5]) { sign($0) * square($0) }, Case("floor", [5]) { floor($0) * square($0) },
    Case("ceil", [5]) { ceil($0) * square($0) }, Case("round", [5]) { round($0) * square($0) },
    Case("pow", [5], shift: 2) { pow($0, 1.7) }, Case("pow of a negative number", [5]) { pow($0, 3) },
    Case("pow of tensors", inputs: [.init([2, 3], shift: 2), .init([3])]) { pow($0[0], $0[1]) },
    Case("clamp", [7]) { clamp($0, min: -0.5, max: 0.4) },
    Case("maximum", inputs: [.init([2, 3]), .init([3])]) { maximum($0[0], $0[1]) },
    Case("minimum", inputs: [.init([2, 3]), .init([3])]) { minimum($0[0], $0[1]) },
    Case("where", inputs: [.init([5]), .init([5])]) { `where`($0[0].detached() .> 0, $0[0] * $0[1], $0[1]) },
    Case("filled", [5]) { ($0 * $0).filled(where: $0.detached() .< 0, with: 3) },
  ]

  static let activations: [Case] = [
    Case("relu", [6]) { relu($0) }, Case("relu6", [6], scale: 8, tolerance: 3e-2) { relu6($0) },
    Case("leakyReLU", [6]) { leakyReLU($0, negativeSlope: 0.2) }, Case("elu", [6]) { elu($0, alpha: 0.7) },
    Case("selu", [6]) { selu($0) }, Case("celu", [6]) { celu($0, alpha: 0.6) }, Case("gelu", [6]) { gelu($0) },
    Case("gelu by tanh", [6]) { gelu($0, approximation: .tanh) }, Case("silu", [6]) { silu($0) },
    Case("mish", [6]) { mish($0) }, Case("softplus", [6]) { softplus($0, beta: 1.5) },
    Case("softsign", [6]) { softsign($0) }, Case("logSigmoid", [6]) { logSigmoid($0) },
    Case("hardTanh", [6]) { hardTanh($0, min: -0.6, max: 0.5) }, Case("hardSigmoid", [6], scale: 4) { hardSigmoid($0) },
    Case("hardSwish", [6], scale: 4) { hardSwish($0) }, Case("glu", [2, 6]) { glu($0) },
    Case("prelu", inputs: [.init([2, 3, 2]), .init([3])]) { prelu($0[0], $0[1]) },
    Case("softmax", [3, 4], onAllDevices: true) { softmax($0) },
    Case("softmax of columns", [3, 4], .spaced) { softmax($0, axis: 0) },
    Case("logSoftmax", [3, 4], .transposed, onAllDevices: true) { logSoftmax($0) },
    Case("dropout", [6], mode: .training) { dropout($0, probability: 0.4, generator: RandomGenerator(seed: 1)) },
    Case("channelDropout", [2, 3, 2], mode: .training) {
      channelDropout($0, probability: 0.4, generator: RandomGenerator(seed: 1))
    },
    Case("alphaDropout", [6], mode: .training) {
      alphaDropout($0, probability: 0.4, generator: RandomGenerator(seed: 1))
    },
  ]

  static let operators: [Case] = [
    Case("+", inputs: [.init([2, 3]), .init([3])]) { ($0[0] + $0[1]) * (2 + $0[0]) },
    Case("-", inputs: [.init([2, 3]), .init([2, 1])]) { ($0[0] - $0[1]) * (2 - $0[1]) - ($0[0] - 1) },
    Case("*", inputs: [.init([2, 3], .transposed), .init([3])]) { $0[0] * $0[1] * $0[0] * 0.5 },
    Case("/", inputs: [.init([2, 3]), .init([3], shift: 2)]) { $0[0] / $0[1] + 2 / $0[1] - $0[0] / 3 },
  ]

  static let reductions: [Case] = [
    Case("sum", [3, 4], .transposed, onAllDevices: true) { $0.sum(along: 1) },
    Case("mean", [2, 3, 2]) { $0.mean(along: 0, 2) }, Case("product", [3, 3]) { $0.product(along: 1) },
    Case("product with zeros", [3, 4]) { x in
      (x * Tensor([1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0] as [Float], shape: [3, 4], on: x.device)).product(along: 1)
    },
    Case("max", [3, 4]) { $0.max(along: 1) }, Case("min", [3, 4]) { $0.min(along: 0, keepingDimensions: true) },
    Case("logSumExp", [3, 4], onAllDevices: true) { $0.logSumExp(along: 1) },
    Case("variance", [3, 4]) { $0.variance(along: 1, unbiased: true) },
    Case("standardDeviation", [3, 4]) { $0.standardDeviation(along: 0) },
    Case("sumOfSquares", [3, 4], .spaced, onAllDevices: true) { $0.sumOfSquares(along: [0]) },
    Case("norm", [3, 4]) { $0.norm(along: 1) }, Case("norm of order 3", [3, 4]) { $0.norm(order: 3, along: 1) },
    Case("norm of order 1", [3, 4]) { $0.norm(order: 1, along: 0) },
    Case("norm, the largest", [3, 4]) { $0.norm(order: .infinity, along: 0) },
    Case("pairwiseDistance", inputs: [.init([3, 4]), .init([3, 4])]) { pairwiseDistance($0[0], $0[1]) },
    Case("cosineSimilarity", inputs: [.init([3, 4]), .init([3, 4])]) { cosineSimilarity($0[0], $0[1]) },
    Case("cumulativeSum", [2, 5], onAllDevices: true) {
      $0.cumulativeSum(along: 1, isReversed: true) + $0.cumulativeSum(along: 0, isExclusive: true)
    },
    Case("cumulativeProduct", [2, 5], onAllDevices: true) { $0.cumulativeProduct(along: 1, isExclusive: true) },
    Case("cumulativeProduct with zeros", [2, 5]) { x in
      (x * Tensor([1, 0, 1, 1, 1, 0, 1, 0, 1, 1] as [Float], shape: [2, 5], on: x.device)).cumulativeProduct(along: 1)
    },
    Case("cumulativeMax", [2, 5]) { $0.cumulativeMax(along: 1).values },
    Case("cumulativeMin", [2, 5]) { $0.cumulativeMin(along: 0).values },
  ]

  static let products: [Case] = [
    Case("matmul", inputs: [.init([3, 4], .transposed), .init([4, 2])], onAllDevices: true) { matmul($0[0], $0[1]) },
    Case("matmul of batches", inputs: [.init([2, 1, 2, 3]), .init([2, 3, 2])]) { matmul($0[0], $0[1]) },
    Case("matmul of vectors", inputs: [.init([3]), .init([3, 2], .spaced)]) { matmul($0[0], $0[1]) },
    Case("linear", inputs: [.init([3, 4], .spaced), .init([2, 4]), .init([2])], onAllDevices: true) {
      linear($0[0], $0[1], $0[2], activation: .tanh)
    },
    Case("linear with GELU", inputs: [.init([3, 4]), .init([2, 4])]) { linear($0[0], $0[1], activation: .gelu) },
    Case("bilinear", inputs: [.init([3, 2]), .init([3, 4]), .init([2, 2, 4]), .init([2])]) {
      bilinear($0[0], $0[1], $0[2], $0[3])
    },
    Case("einsum", inputs: [.init([2, 3, 2]), .init([2, 2, 3])]) { einsum("bij,bjk->ik", $0[0], $0[1]) },
    Case("einsum of a diagonal", inputs: [.init([3, 3]), .init([3])]) { einsum("ii,i->i", $0) },
  ]
}
