// SPDX-License-Identifier: MIT
import Foundation
import Tern
import Testing

@testable import TernNN

private func cell(_ count: Int = 1) -> Parameter { Parameter(Tensor.zeros([count], on: .cpu)) }

private class Base: Module {
  let first = cell()
}

private final class Derived: Base {
  let second = cell(2)
}

private enum Head: Module {
  case none
  case linear(Linear)
  indirect case pair(Parameter, scale: Parameter)
}

private final class Ring: Module {
  let weight = cell()
  var next: Ring?
}

private struct Everything: Module {
  let tuple = (cell(), named: cell())
  let optional: Parameter? = cell()
  let missing: Parameter? = nil
  let array = [Linear(1, 2), Linear(2, 1, bias: false)]
  let byName = ["b": cell(), "a": cell(), "c": cell()]
  let byNumber = [10: cell(), 9: cell()]
  let nested: [[Parameter]?] = [[cell()], nil, [cell(), cell()]]
  let head = Head.linear(Linear(2, 2))
  let second = Head.pair(cell(), scale: cell())
  let empty = Head.none
  let buffer = Buffer(Tensor.zeros([3], on: .cpu))
  let any: any Layer = Linear(1, 1)
  lazy var later = cell()
}

@Suite struct ModuleWalkTests {
  private func names(_ module: some Module) -> [String] { module.parameters().map(\.name) }

  @Test func namesFollowTheStoredProperties() {
    var model = Everything()
    _ = model.later
    #expect(
      names(model) == [
        "tuple.0", "tuple.named", "optional", "array.0.weight", "array.0.bias", "array.1.weight", "byName.a",
        "byName.b",
        "byName.c", "byNumber.9", "byNumber.10", "nested.0.0", "nested.2.0", "nested.2.1", "head.linear.weight",
        "head.linear.bias", "second.pair.0", "second.pair.scale", "any.weight", "any.bias", "later",
      ])
    #expect(model.buffers().map(\.name) == ["buffer"])
    #expect(model.parameterCount == 2 + 1 + (2 + 2) + 2 + 3 + 2 + 3 + (4 + 2) + 2 + 2 + 1)
  }

  @Test func inheritedPropertiesComeFirst() { #expect(names(Derived()) == ["first", "second"]) }

  @Test func sharedCellsCountOnce() {
    struct Tied: Module {
      let encoder: Linear
      let decoder: Linear
      let again: Parameter
      init() {
        encoder = Linear(2, 3)
        decoder = encoder
        again = encoder.weight
      }
    }
    #expect(names(Tied()) == ["encoder.weight", "encoder.bias"])
  }

  @Test func cyclesEnd() {
    let ring = Ring()
    ring.next = Ring()
    ring.next?.next = ring
    #expect(names(ring) == ["weight", "next.weight"])
    ring.next?.next = nil
  }

  @Test func sequentialNamesByPosition() {
    let model = Sequential {
      Flatten()
      Linear(4, 3)
      ReLU()
      for _ in 0..<2 { Linear(3, 3, bias: false) }
    }
    #expect(names(model) == ["1.weight", "1.bias", "3.weight", "4.weight"])
    struct Wrapper: Module { let body: Sequential }
    #expect(names(Wrapper(body: model)).first == "body.1.weight")
  }

  @Test func cellsLearnTheirNames() {
    let model = Sequential(Linear(1, 1), Linear(1, 1))
    let parameters = model.parameters()
    #expect(parameters["1.bias"]?.name == "1.bias")
    #expect(parameters["2.bias"] == nil)
  }

  @Test func dataAreNotWalked() {
    struct Holder: Module {
      let numbers = [Float](repeating: 0, count: 3_000_000)
      let rows = [[Double]](repeating: [1, 2], count: 10)
      let bytes = Data(count: 1_000_000)
      let table = Tensor.zeros([1000], on: .cpu)
      let weight = cell()
    }
    let clock = ContinuousClock()
    var found: [String] = []
    let time = clock.measure { found = names(Holder()) }
    #expect(found == ["weight"])
    #expect(time < .seconds(2), "the walk looks at numbers one by one")
  }

  @Test func generatorsAreFound() {
    let own = RandomGenerator(seed: 4)
    let model = Sequential(Dropout(0.5, generator: own), Dropout(0.1, generator: own), Dropout(0.2))
    #expect(model.contents().generators.map(\.name) == ["0.generator", "2.generator"])
  }

  @Test func equalNamesTrap() async {
    await #expect(processExitsWith: .failure) {
      struct Ambiguous: Module {
        let table: [String: Any] = [
          "k.c": Parameter(Tensor.zeros([1], on: .cpu)), "k": ["c": Parameter(Tensor.zeros([1], on: .cpu))],
        ]
      }
      _ = Ambiguous().parameters()
    }
  }
}
