// SPDX-License-Identifier: MIT
import Tern

/// The parameters of a model at one moment, each with its name.
///
/// It holds the cells, not their values, so it stays useful while a model trains. It does not notice layers that are
/// added later; using those in `valueAndGradients(of:)` traps by name.
public struct ParameterList: RandomAccessCollection {
  /// A parameter under its dotted name.
  public typealias Element = (name: String, parameter: Parameter)

  private let elements: [Element]
  private let positions: [String: Int]
  /// What messages call the model.
  let owner: String

  init(_ elements: [Element], owner: String) {
    self.elements = elements
    self.owner = owner
    positions = Dictionary(uniqueKeysWithValues: elements.indices.map { (elements[$0].name, $0) })
  }

  /// Always 0.
  public var startIndex: Int { 0 }
  /// The number of parameters.
  public var endIndex: Int { elements.count }
  /// The parameter at a position, in the order of the walk over the model.
  public subscript(position: Int) -> Element { elements[position] }

  /// The parameter of that name.
  public subscript(name: String) -> Parameter? { positions[name].map { elements[$0].parameter } }

  /// Those that are not frozen.
  public var trainable: ParameterList {
    if elements.allSatisfy(\.parameter.isTrainable) { return self }
    return ParameterList(elements.filter(\.parameter.isTrainable), owner: owner)
  }

  func position(of name: String) -> Int? { positions[name] }
}
