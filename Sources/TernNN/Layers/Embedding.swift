// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A vector for each number; see `embedding`.
public struct Embedding: Layer {
  /// `[count, width]`.
  public let weight: Parameter
  /// The row that is zero at first and stays so.
  public let paddingIndex: Int?

  /// A table with new vectors, drawn from a standard normal distribution.
  ///
  /// - Parameters:
  ///   - count: how many vectors.
  ///   - width: numbers in each.
  ///   - paddingIndex: a row of zeros without a gradient; negative counts from the end.
  ///   - initializer: instead of the normal distribution.
  ///   - generator: what the values are drawn from.
  /// - Precondition: both sizes are positive.
  public init(
    _ count: Int, _ width: Int, paddingIndex: Int? = nil, initializer: Initializer = .normal(),
    generator: RandomGenerator = .shared
  ) {
    weight = makeTable("Embedding", count, width, paddingIndex, initializer, generator)
    self.paddingIndex = paddingIndex
  }

  /// `x.shape + [width]` of integers `x`.
  public func callAsFunction(_ x: Tensor) -> Tensor { embedding(x, weight.value, paddingIndex: paddingIndex) }
}

/// Sums, means or maxima of bags of vectors; see `embeddingBag`.
public struct EmbeddingBag: Layer {
  /// `[count, width]`.
  public let weight: Parameter
  /// How the vectors of a bag are combined.
  public let mode: EmbeddingBagMode
  /// The row that counts for nothing, is zero at first and stays so.
  public let paddingIndex: Int?

  /// A table with new vectors, drawn from a standard normal distribution; parameters are those of `Embedding`.
  public init(
    _ count: Int, _ width: Int, mode: EmbeddingBagMode = .mean, paddingIndex: Int? = nil,
    initializer: Initializer = .normal(), generator: RandomGenerator = .shared
  ) {
    weight = makeTable("EmbeddingBag", count, width, paddingIndex, initializer, generator)
    self.mode = mode
    self.paddingIndex = paddingIndex
  }

  /// `[bags, width]` of integers `[bags, entries]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { self(x, offsets: nil) }

  /// `[bags, width]` of integers `[n]`, of which bag `b` has those from `offsets[b]` on.
  public func callAsFunction(_ x: Tensor, offsets: Tensor?, entryWeights: Tensor? = nil) -> Tensor {
    embeddingBag(
      x, weight.value, offsets: offsets, mode: mode, entryWeights: entryWeights, paddingIndex: paddingIndex)
  }
}

private func makeTable(
  _ layer: String, _ count: Int, _ width: Int, _ paddingIndex: Int?, _ initializer: Initializer,
  _ generator: RandomGenerator
) -> Parameter {
  require(count > 0 && width > 0, "\(layer): sizes must be positive, got \(count) and \(width)")
  var table = initializer([count, width], generator: generator)
  if let paddingIndex {
    require(
      paddingIndex >= -count && paddingIndex < count,
      "\(layer): the padding index \(paddingIndex) is out of range for \(count) rows")
    let padding = Int64(paddingIndex < 0 ? paddingIndex + count : paddingIndex)
    let isPadding = Tensor.range(0..<count, on: table.device) .== Tensor([padding], on: table.device)
    table = `where`(isPadding.expanded(at: 1), 0, table)
  }
  return Parameter(table, name: "weight")
}
