// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct GradientScopeTests {
  private struct Scale: Layer {
    let weight: Parameter
    init(_ values: [Float]) { weight = Parameter(Tensor(values, on: .cpu), name: "weight") }
    func callAsFunction(_ x: Tensor) -> Tensor { x * weight.value }
  }

  private let x = Tensor([2, 3, 5] as [Float], on: .cpu)

  @Test func gradientsBelongToTheirParameters() throws {
    struct Two: Module {
      let a = Scale([1, 1, 1])
      let b = Scale([10, 20, 30])
    }
    let model = Two()
    let (loss, gradients) = valueAndGradients(of: model) { (model.a(x) + square(model.b(x))).sum() }
    try expectClose(loss, [10 + 400 + 3600 + 22500])
    try expectClose(try #require(gradients["a.weight"]), [2, 3, 5])
    try expectClose(try #require(gradients[model.b.weight]), [2 * 20 * 2, 2 * 60 * 3, 2 * 150 * 5])
    #expect(gradients["c"] == nil)
  }

  @Test func unusedParametersHaveZeroGradients() throws {
    struct Two: Module {
      let used = Scale([1, 1, 1])
      let unused = Scale([1, 1, 1])
    }
    let model = Two()
    let gradients = valueAndGradients(of: model) { model.used(x).sum() }.gradients
    try expectClose(try #require(gradients["unused.weight"]), [0, 0, 0])
  }

  @Test func frozenParametersAreConstants() throws {
    let (model, frozen) = (Scale([1, 2, 3]), Scale([4, 5, 6]))
    frozen.weight.isTrainable = false
    let (_, gradients) = valueAndGradients(of: model) { frozen(model(x)).sum() }
    try expectClose(gradients.values[0], [8, 15, 30])
    model.weight.isTrainable = false
    #expect(valueAndGradients(of: model) { model(x).sum() }.gradients.values.isEmpty)
  }

  @Test func valuesAreRestored() throws {
    let model = Scale([1, 2, 3])
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try valueAndGradients(of: model) { () throws -> Tensor in
        _ = model(x)
        throw Stop()
      }
    }
    try expectClose(model.weight.value, [1, 2, 3])
    // A leaf that was left behind would record here and trap in the walk of a later scope.
    try expectClose(valueAndGradients(of: model) { model(x).sum() }.gradients.values[0], [2, 3, 5])
    model.weight.value = model.weight.value * 2
    try expectClose(model.weight.value, [2, 4, 6])
  }

  @Test func scopesNest() throws {
    let (outer, inner) = (Scale([1, 2, 3]), Scale([1, 1, 1]))
    // L = sum(outer * x * d/d inner sum(inner^2 * outer)) = sum(outer * x * 2 * inner * outer), inner = 1.
    let (_, gradients) = valueAndGradients(of: outer) {
      let innerGradients = valueAndGradients(of: inner, createGraph: true) {
        (square(inner.weight.value) * outer.weight.value).sum()
      }.gradients
      return (outer(x) * innerGradients.values[0]).sum()
    }
    try expectClose(gradients.values[0], [4 * 2 * 1, 4 * 3 * 2, 4 * 5 * 3])
  }

  @Test func secondDerivativesOfOneModel() throws {
    let model = Scale([1, 2, 3])
    // sum of squares of d/dw sum(w^3) = sum(9 w^4); gradient 36 w^3.
    let (_, gradients) = valueAndGradients(of: model) {
      let first = valueAndGradients(of: model, createGraph: true) {
        let w = model.weight.value
        return (w * w * w).sum()
      }.gradients
      return square(first.values[0]).sum()
    }
    try expectClose(gradients.values[0], [36, 288, 972])
  }

  @Test func scopesSetTheMode() {
    let model = Scale([1, 2, 3])
    var modes: [Mode] = []
    func note() -> Tensor {
      modes.append(Mode.current)
      return model(x).sum()
    }
    _ = valueAndGradients(of: model) { note() }
    _ = valueAndGradients(of: model, mode: .inference) { note() }
    _ = note()
    #expect(modes == [.training, .inference, .inference])
  }

  @Test func aParameterOutsideTheModelTrapsByName() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let model = Linear(2, 2)
      let forgotten = Linear(2, 3)
      _ = Sequential(ReLU(), forgotten).parameters()
      _ = valueAndGradients(of: model) { forgotten(model(Tensor.zeros([1, 2]))).sum() }
    }
    let message = text(try #require(result).standardErrorContent)
    #expect(message.contains("'1.weight' [3, 2]") && message.contains("Linear"), "\(message)")
    #expect(message.contains("isTrainable = false"), "\(message)")
  }

  @Test func settingAValueInsideTraps() async {
    await #expect(processExitsWith: .failure) {
      let model = Linear(1, 1)
      _ = valueAndGradients(of: model) {
        model.weight.value = Tensor.zeros([1, 1])
        return model(Tensor.zeros([1, 1])).sum()
      }
    }
  }
}
