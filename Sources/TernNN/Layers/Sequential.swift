// SPDX-License-Identifier: MIT
import Tern

/// Layers applied one after the other. Parameters are named by position: `0.weight`, `2.bias`.
///
///     let model = Sequential {
///       Flatten()
///       Linear(784, 128)
///       ReLU()
///       Linear(128, 10)
///     }
public struct Sequential: Layer {
  /// The layers in the order of their use. Lists of parameters made before a change do not notice it.
  public var layers: [any Layer]

  /// Layers one after the other: `Sequential(Linear(784, 10), ReLU())`.
  public init(_ layers: any Layer...) { self.layers = layers }

  /// Layers from an array, which may be empty: then the model is the identity.
  public init(layers: [any Layer]) { self.layers = layers }

  /// Layers one to a line, with `if` and `for` among them.
  public init(@SequentialBuilder _ layers: () -> [any Layer]) { self.layers = layers() }

  /// What the last layer makes of what the others made of `x`. Shapes that do not fit trap in the layer they meet.
  public func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } }
}

/// Collects the layers of a `Sequential`; `if`, `for` and arrays of layers are allowed.
@resultBuilder
public enum SequentialBuilder {
  /// One layer.
  public static func buildExpression(_ layer: some Layer) -> [any Layer] { [layer] }
  /// Layers that exist already.
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  /// The parts in order.
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  /// An `if` without `else`.
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  /// The first branch of an `if` or `switch`.
  public static func buildEither(first part: [any Layer]) -> [any Layer] { part }
  /// The other branch.
  public static func buildEither(second part: [any Layer]) -> [any Layer] { part }
  /// The rounds of a `for`.
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}
