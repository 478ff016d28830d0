// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// A read-only walk over a model's stored properties that collects its cells.
struct ModuleWalk {
  private var parameters: [(name: String, parameter: Parameter)] = []
  private var buffers: [(name: String, buffer: Buffer)] = []
  private var generators: [(name: String, generator: RandomGenerator)] = []
  /// Objects seen, so that shared cells count once and reference cycles end.
  private var visited: Set<ObjectIdentifier> = []
  /// Keeps temporary boxes of the reflection alive, so that no identity is used twice.
  private var retained: [AnyObject] = []

  mutating func visit(_ value: Any, name: String) {
    if isOpaque(value) { return }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .class: visitObject(value as AnyObject, mirror, name: name)
    case .optional:
      if let (_, wrapped) = mirror.children.first { visit(wrapped, name: name) }
    case .collection:
      if let elements = value as? any ElementTyped, isOpaqueType(elements.elementType) { return }
      for (index, child) in mirror.children.enumerated() { visit(child.value, name: joined(name, "\(index)")) }
    case .dictionary: visitDictionary(mirror, name: name)
    case .set, .foreignReference: break
    default:
      if type(of: value) == Sequential.self, let sequential = value as? Sequential {
        // `0.weight`, not `layers.0.weight`: the names that other libraries give.
        visit(sequential.layers, name: name)
      } else {
        visitChildren(mirror, name: name)
      }
    }
  }

  /// Names the cells and hands them out.
  func contents(of type: Any.Type) -> ModuleContents {
    var names: Set<String> = []
    for name in parameters.map(\.name) + buffers.map(\.name) {
      require(
        names.insert(name).inserted,
        "\(type): two parameters or buffers are called '\(name)'; rename the property of the subclass or the key")
    }
    for (name, parameter) in parameters { parameter.name = name }
    for (name, buffer) in buffers { buffer.name = name }
    return ModuleContents(
      parameters: ParameterList(parameters, owner: "\(type)"), buffers: buffers, generators: generators)
  }

  private mutating func visitObject(_ object: AnyObject, _ mirror: Mirror, name: String) {
    guard visited.insert(ObjectIdentifier(object)).inserted else { return }
    retained.append(object)
    switch object {
    case let parameter as Parameter: parameters.append((name.isEmpty ? parameter.name : name, parameter))
    case let buffer as Buffer: buffers.append((name.isEmpty ? buffer.name : name, buffer))
    case let generator as RandomGenerator: generators.append((name, generator))
    default:
      // What is inherited was declared first.
      var levels = [mirror]
      while let above = levels.last?.superclassMirror { levels.append(above) }
      for level in levels.reversed() { visitChildren(level, name: name) }
    }
  }

  private mutating func visitChildren(_ mirror: Mirror, name: String) {
    for (index, child) in mirror.children.enumerated() {
      visit(child.value, name: joined(name, component(child.label, index)))
    }
  }

  private mutating func visitDictionary(_ mirror: Mirror, name: String) {
    let entries = mirror.children.map { child -> (key: Any, value: Any) in
      let pair = Array(Mirror(reflecting: child.value).children)
      return (pair[0].value, pair[1].value)
    }
    let sorted = entries.sorted { a, b in
      if let a = a.key as? Int, let b = b.key as? Int { return a < b }
      return "\(a.key)" < "\(b.key)"
    }
    for (key, value) in sorted { visit(value, name: joined(name, "\(key)")) }
  }

  private func joined(_ name: String, _ component: String) -> String {
    name.isEmpty ? component : "\(name).\(component)"
  }

  /// The name of a child: a property, a tuple's label or position, or an enum case.
  private func component(_ label: String?, _ index: Int) -> String {
    guard var label else { return "\(index)" }
    if label.hasPrefix(".") { label.removeFirst() }  // unlabelled tuple elements are called .0, .1
    let lazyPrefix = "$__lazy_storage_$_"
    return label.hasPrefix(lazyPrefix) ? String(label.dropFirst(lazyPrefix.count)) : label
  }
}

/// An array, whose element type can be asked before a million numbers are looked at one by one.
private protocol ElementTyped {
  var elementType: Any.Type { get }
}
extension Array: ElementTyped {
  fileprivate var elementType: Any.Type { Element.self }
}
extension ArraySlice: ElementTyped {
  fileprivate var elementType: Any.Type { Element.self }
}
extension ContiguousArray: ElementTyped {
  fileprivate var elementType: Any.Type { Element.self }
}

/// Whether a value cannot hold cells, so that looking inside would only cost time.
private func isOpaque(_ value: Any) -> Bool { isOpaqueType(type(of: value)) }

private func isOpaqueType(_ type: Any.Type) -> Bool {
  type == Tensor.self || type == Device.self || type == Bool.self || type is any Numeric.Type
    || type is any StringProtocol.Type || type == Data.self || type == URL.self || type == Date.self
}
