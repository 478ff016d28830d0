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
  public var layers: [any Layer]

  public init(_ layers: any Layer...) { self.layers = layers }

  public init(layers: [any Layer]) { self.layers = layers }

  public init(@SequentialBuilder _ layers: () -> [any Layer]) { self.layers = layers() }

  public func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } }
}

/// Collects the layers of a `Sequential`; `if`, `for` and arrays of layers are allowed.
@resultBuilder
public enum SequentialBuilder {
  public static func buildExpression(_ layer: some Layer) -> [any Layer] { [layer] }
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  public static func buildEither(first part: [any Layer]) -> [any Layer] { part }
  public static func buildEither(second part: [any Layer]) -> [any Layer] { part }
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}
