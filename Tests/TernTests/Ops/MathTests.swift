// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct MathTests {
  struct Unary: Sendable, CustomTestStringConvertible {
    let name: String
    let tensor: @Sendable (Tensor) -> Tensor
    let reference: @Sendable (Double) -> Double
    /// Middle and half width of the arguments.
    var middle = 0.0
    var width = 2.0
    var isSmooth = true
    var testDescription: String { name }
  }

  static let unary: [Unary] = [
    Unary(name: "exp", tensor: { exp($0) }, reference: { Foundation.exp($0) }),
    Unary(name: "expMinusOne", tensor: { expMinusOne($0) }, reference: { Foundation.expm1($0) }),
    Unary(name: "log", tensor: { log($0) }, reference: { Foundation.log($0) }, middle: 2.2),
    Unary(name: "logOnePlus", tensor: { logOnePlus($0) }, reference: { Foundation.log1p($0) }, middle: 1.5),
    Unary(name: "sqrt", tensor: { sqrt($0) }, reference: { Foundation.sqrt($0) }, middle: 2.5),
    Unary(name: "rsqrt", tensor: { rsqrt($0) }, reference: { 1 / Foundation.sqrt($0) }, middle: 2.5),
    Unary(name: "reciprocal", tensor: { reciprocal($0) }, reference: { 1 / $0 }, middle: 3),
    Unary(name: "square", tensor: { square($0) }, reference: { $0 * $0 }),
    Unary(name: "abs", tensor: { abs($0) }, reference: { Swift.abs($0) }, isSmooth: false),
    Unary(name: "sin", tensor: { sin($0) }, reference: { Foundation.sin($0) }),
    Unary(name: "cos", tensor: { cos($0) }, reference: { Foundation.cos($0) }),
    Unary(name: "tanh", tensor: { tanh($0) }, reference: { Foundation.tanh($0) }),
    Unary(name: "sigmoid", tensor: { sigmoid($0) }, reference: { 1 / (1 + Foundation.exp(-$0)) }),
    Unary(name: "erf", tensor: { erf($0) }, reference: { Foundation.erf($0) }),
    Unary(name: "pow 3", tensor: { Tern.pow($0, 3) }, reference: { $0 * $0 * $0 }),
    Unary(name: "pow 1.5", tensor: { Tern.pow($0, 1.5) }, reference: { Foundation.pow($0, 1.5) }, middle: 2.5),
    Unary(name: "floor", tensor: { floor($0) }, reference: { $0.rounded(.down) }, isSmooth: false),
    Unary(name: "ceil", tensor: { ceil($0) }, reference: { $0.rounded(.up) }, isSmooth: false),
    Unary(name: "round", tensor: { round($0) }, reference: { $0.rounded(.toNearestOrEven) }, isSmooth: false),
    Unary(
      name: "sign", tensor: { sign($0) }, reference: { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, isSmooth: false),
    Unary(name: "tan", tensor: { tan($0) }, reference: { Foundation.tan($0) }, width: 1.2),
    Unary(name: "atan", tensor: { atan($0) }, reference: { Foundation.atan($0) }),
    Unary(name: "asin", tensor: { asin($0) }, reference: { Foundation.asin($0) }, width: 0.9),
    Unary(name: "acos", tensor: { acos($0) }, reference: { Foundation.acos($0) }, width: 0.9),
    Unary(name: "sinh", tensor: { sinh($0) }, reference: { Foundation.sinh($0) }),
    Unary(name: "cosh", tensor: { cosh($0) }, reference: { Foundation.cosh($0) }),
    Unary(name: "asinh", tensor: { asinh($0) }, reference: { Foundation.asinh($0) }),
    Unary(name: "acosh", tensor: { acosh($0) }, reference: { Foundation.acosh($0) }, middle: 4),
    Unary(name: "atanh", tensor: { atanh($0) }, reference: { Foundation.atanh($0) }, width: 0.8),
    Unary(name: "logSigmoid", tensor: { logSigmoid($0) }, reference: { -Foundation.log1p(Foundation.exp(-$0)) }),
    Unary(
      name: "selu", tensor: { selu($0) },
      reference: { 1.0507009873554805 * ($0 > 0 ? $0 : 1.6732632423543772 * Foundation.expm1($0)) }, isSmooth: false),
    Unary(
      name: "celu", tensor: { celu($0, alpha: 0.7) }, reference: { $0 > 0 ? $0 : 0.7 * Foundation.expm1($0 / 0.7) }),
    Unary(
      name: "mish", tensor: { mish($0) }, reference: { $0 * Foundation.tanh(Foundation.log1p(Foundation.exp($0))) }),
    Unary(name: "softsign", tensor: { softsign($0) }, reference: { $0 / (1 + Swift.abs($0)) }, isSmooth: false),
    Unary(
      name: "hardTanh", tensor: { hardTanh($0, min: -0.5, max: 0.7) },
      reference: { Swift.min(Swift.max($0, -0.5), 0.7) }, isSmooth: false),
    Unary(
      name: "relu6", tensor: { relu6($0) }, reference: { Swift.min(Swift.max($0, 0), 6) }, width: 8, isSmooth: false),
    Unary(
      name: "hardSigmoid", tensor: { hardSigmoid($0) }, reference: { Swift.min(Swift.max($0 / 6 + 0.5, 0), 1) },
      width: 5, isSmooth: false),
    Unary(
      name: "hardSwish", tensor: { hardSwish($0) },
      reference: { $0 * Swift.min(Swift.max($0 + 3, 0), 6) / 6 }, width: 5, isSmooth: false),
    Unary(name: "relu", tensor: { relu($0) }, reference: { Swift.max($0, 0) }, isSmooth: false),
    Unary(
      name: "leakyReLU", tensor: { leakyReLU($0, negativeSlope: 0.2) }, reference: { $0 > 0 ? $0 : 0.2 * $0 },
      isSmooth: false),
    Unary(name: "elu", tensor: { elu($0, alpha: 1.3) }, reference: { $0 > 0 ? $0 : 1.3 * Foundation.expm1($0) }),
    Unary(
      name: "gelu", tensor: { gelu($0) }, reference: { 0.5 * $0 * (1 + Foundation.erf($0 / 2.0.squareRoot())) }),
    Unary(
      name: "gelu tanh", tensor: { gelu($0, approximation: .tanh) },
      reference: { 0.5 * $0 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }),
    Unary(name: "silu", tensor: { silu($0) }, reference: { $0 / (1 + Foundation.exp(-$0)) }),
    Unary(
      name: "softplus", tensor: { softplus($0, beta: 0.7) },
      reference: { Foundation.log1p(Foundation.exp(0.7 * $0)) / 0.7 }),
  ]

  @Test(arguments: Device.all, unary) func hasValues(_ device: Device, _ op: Unary) throws {
    for shape in [[1], [31, 33], [65]] {
      let x = sampleTensor(shape, scale: op.width, shift: op.middle, on: device)
      try expectClose(op.tensor(x), try x.scalars(as: Double.self).map(op.reference), relative: 3e-6, op.name)
    }
  }

  @Test(arguments: Device.all, unary) func readsStridedViews(_ device: Device, _ op: Unary) throws {
    let base = sampleTensor([7, 10], scale: op.width, shift: op.middle, on: device)
    let view = base.sliced(along: 1, from: 1, to: 10, step: 2).transposed()
    let expected = try base.scalars(as: Double.self)
    try expectClose(
      op.tensor(view), (0..<5).flatMap { column in (0..<7).map { op.reference(expected[$0 * 10 + 1 + 2 * column]) } },
      relative: 3e-6, op.name)
  }

  @Test(arguments: Device.all, unary.filter(\.isSmooth)) func hasGradients(_ device: Device, _ op: Unary) throws {
    let x = sampleTensor([11], scale: op.width * 0.8, shift: op.middle, on: device)
    try expectGradients([x], op.name) { op.tensor($0[0]) }
  }

  @Test(arguments: Device.all, unary.filter(\.isSmooth)) func hasSecondDerivatives(_ device: Device, _ op: Unary) throws
  {
    let x = sampleTensor([7], scale: op.width * 0.8, shift: op.middle, on: device)
    try expectGradients([x], tolerance: 6e-3, op.name) { inputs in
      gradient(at: inputs[0], mode: .inference, createGraph: true) { (op.tensor($0) * 0.5).sum() }
    }
  }

  @Test(arguments: Device.all) func kinksHaveStatedGradients(_ device: Device) throws {
    let x = Tensor([-1.5 as Float, 0, 2], on: device)
    try expectClose(gradient(at: x) { relu($0).sum() }, [0, 0, 1])
    try expectClose(gradient(at: x) { abs($0).sum() }, [-1, 0, 1])
    try expectClose(gradient(at: x) { leakyReLU($0, negativeSlope: 0.2).sum() }, [0.2, 0.2, 1])
    try expectClose(gradient(at: x) { elu($0).sum() }, [0.223_130_16, 1, 1])
    try expectClose(gradient(at: x) { celu($0, alpha: 0.5).sum() }, [0.049_787_07, 1, 1])
    try expectClose(gradient(at: x) { floor($0).sum() + $0.sum() * 0 }, [0, 0, 0])
    try expectClose(gradient(at: x) { softplus($0).sum() }, [0.182_425_52, 0.5, 0.880_797_08])
  }

  @Test(arguments: Device.all) func extremesStayFinite(_ device: Device) throws {
    let x = Tensor([-1000 as Float, -100, 100, 1000], on: device)
    try expectClose(sigmoid(x), [0, 3.783_506_7e-44, 1, 1], absolute: 1e-37)
    try expectClose(softplus(x), [0, 0, 100, 1000])
    try expectClose(tanh(x), [-1, -1, 1, 1])
    try expectClose(elu(x), [-1, -1, 100, 1000])
    try expectClose(acosh(Tensor([-1e4 as Float, -2, 0.5], on: device)), [.nan, .nan, .nan])
    try expectClose(gradient(at: x) { elu($0).sum() }, [0, 0, 1, 1])
    try expectClose(log(Tensor([0 as Float, -1], on: device)), [-.infinity, .nan])
  }
}
