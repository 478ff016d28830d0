// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// Sines and cosines of positions (Vaswani et al.: "Attention is all you need", 2017).
///
///     y[p, 2 i] = sin(p / 10000^(2 i / width))    y[p, 2 i + 1] = cos(p / 10000^(2 i / width))
///
/// - Parameters:
///   - positions: which ones.
///   - width: numbers for each position.
///   - device: where they live; `Device.current` when nil.
/// - Returns: Float32 `[positions, width]`, computed in double precision.
public func sinusoidalPositions(_ positions: Range<Int>, width: Int, on device: Device? = nil) -> Tensor {
  require(width > 0, "sinusoidalPositions: the width must be positive, got \(width)")
  let numbers = positions.flatMap { position in
    (0..<width).map { column -> Float in
      let angle = Double(position) * pow(10_000, -Double(column / 2 * 2) / Double(width))
      return Float(column % 2 == 0 ? sin(angle) : cos(angle))
    }
  }
  return Tensor(numbers, shape: [positions.count, width], on: device)
}

/// Adds `sinusoidalPositions` to a sequence, then drops out.
public struct SinusoidalPositions: Layer {
  /// Numbers for each position.
  public let width: Int
  /// Behind the sum.
  public let dropout: Dropout
  /// Whether tensors are `[N, T, width]` instead of `[T, N, width]`.
  public let batchFirst: Bool
  private let table: Buffer

  /// A layer for at most `length` positions.
  public init(
    _ width: Int, length: Int = 5000, batchFirst: Bool = true, dropout: Float = 0, generator: RandomGenerator = .shared
  ) {
    self.width = width
    self.batchFirst = batchFirst
    self.dropout = Dropout(dropout, generator: generator)
    table = Buffer(sinusoidalPositions(0..<length, width: width), name: "table")
  }

  /// Of `x`'s shape and dtype; the sequence begins at position 0.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, from: 0) }

  /// The same for a part of a sequence that begins at another position.
  public func callAsFunction(_ x: Tensor, from start: Int) -> Tensor {
    dropout(addPositions("SinusoidalPositions", table.value, to: x, from: start, batchFirst: batchFirst))
  }
}

/// Adds a trained vector for each position to a sequence.
public struct LearnedPositions: Layer {
  /// `[length, width]`.
  public let weight: Parameter
  /// Whether tensors are `[N, T, width]` instead of `[T, N, width]`.
  public let batchFirst: Bool

  /// A layer for at most `length` positions, drawn from a normal distribution.
  public init(
    _ length: Int, _ width: Int, batchFirst: Bool = true, initializer: Initializer = .normal(deviation: 0.02),
    generator: RandomGenerator = .shared
  ) {
    require(length > 0 && width > 0, "LearnedPositions: sizes must be positive, got \(length) and \(width)")
    weight = Parameter(initializer([length, width], generator: generator), name: "weight")
    self.batchFirst = batchFirst
  }

  /// Of `x`'s shape and dtype; the sequence begins at position 0.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, from: 0) }

  /// The same for a part of a sequence that begins at another position.
  public func callAsFunction(_ x: Tensor, from start: Int) -> Tensor {
    addPositions("LearnedPositions", weight.value, to: x, from: start, batchFirst: batchFirst)
  }
}

private func addPositions(
  _ layer: String, _ table: Tensor, to x: Tensor, from start: Int, batchFirst: Bool
) -> Tensor {
  let length = x.rank == 3 ? x.shape[batchFirst ? 1 : 0] : 0
  require(
    x.rank == 3 && x.shape[2] == table.shape[1] && start >= 0 && start + length <= table.shape[0],
    "\(layer): input \(x.shape) from position \(start) does not fit \(table.shape[0]) positions of \(table.shape[1])")
  let rows = table[start..<start + length].cast(to: x.dtype)
  return x + (batchFirst ? rows : rows.expanded(at: 1))
}
