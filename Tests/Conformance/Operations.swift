// SPDX-License-Identifier: MIT
import Tern

/// What an operation of a golden case is in Tern: a table from its name to public calls.
package enum Operations {
  /// The tensors and attributes of a case.
  struct Arguments {
    let attributes: Attributes
    private let tensors: [String: Tensor]

    init(_ attributes: Attributes, _ tensors: [String: Tensor]) {
      self.attributes = attributes
      self.tensors = tensors
    }

    /// A tensor that the operation cannot do without.
    subscript(name: String) -> Tensor { tensors[name]! }
    func optional(_ name: String) -> Tensor? { tensors[name] }
    var names: [String] { tensors.keys.sorted() }
    var x: Tensor { self["in.x"] }
  }

  /// Outputs by name, or nil when Tern has no such variant of the operation.
  typealias Function = @Sendable (Arguments) -> [String: Tensor]?

  /// Outputs `out.NAME` and gradients `d.NAME`, for cases that are more than a function of tensors.
  typealias Procedure = @Sendable (GoldenCase, Arguments, Device) throws -> [String: Tensor]?

  static let functions = table([
    activations, mathematics, shapes, networks, rowNormalizations, spatial, sequences, furtherActivations, indexing,
    losses,
  ])
  static let procedures = table([
    normalization, optimization, clipping, schedules, trainings, random, recurrentTraining,
  ])

  /// All families in one; traps if an operation is in two.
  private static func table<Call>(_ families: [[String: Call]]) -> [String: Call] {
    Dictionary(uniqueKeysWithValues: families.joined().map { ($0.key, $0.value) })
  }

  /// The operations that there is a call for.
  package static let known: Set<String> = Set(functions.keys).union(procedures.keys)

  /// Everything that the case asks for, or nil for a variant that Tern does not have.
  package static func run(_ golden: GoldenCase, on device: Device) throws -> [String: Tensor]? {
    let inputs = golden.inputs(on: device)
    if let procedure = procedures[golden.operation] {
      return try procedure(golden, Arguments(golden.attributes, inputs), device)
    }
    return differentiate(golden, functions[golden.operation]!, inputs, on: device)
  }

  /// Runs a function inside a gradient scope and takes the gradient of the sum of its outputs, each times its factor.
  private static func differentiate(
    _ golden: GoldenCase, _ function: Function, _ inputs: [String: Tensor], on device: Device
  ) -> [String: Tensor]? {
    let wanted = golden.expected.filter { $0.hasPrefix("d.") }.map { String($0.dropFirst(2)) }
    var results: [String: Tensor] = [:]
    guard !wanted.isEmpty else {
      guard let outputs = function(Arguments(golden.attributes, inputs)) else { return nil }
      return Dictionary(uniqueKeysWithValues: outputs.map { ("out." + $0, $1) })
    }
    let (_, gradients) = valueAndGradients(at: wanted.map { inputs[$0]! }) { leaves in
      let arguments = inputs.merging(zip(wanted, leaves)) { _, leaf in leaf }
      guard let outputs = function(Arguments(golden.attributes, arguments)) else { return Tensor.zeros([], on: device) }
      return outputs.reduce(into: Tensor.zeros([], on: device)) { loss, output in
        results["out." + output.key] = output.value.detached()
        guard output.value.dtype.isFloatingPoint else { return }
        let factor = golden.factor(of: output.key, on: device)
        loss = loss + (factor.map { $0 * output.value } ?? output.value).sum()
      }
    }
    if results.isEmpty { return nil }
    for (name, gradient) in zip(wanted, gradients) { results["d." + name] = gradient }
    return results
  }
}
