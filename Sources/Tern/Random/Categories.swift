// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// One position along an axis for each row of logits, drawn with the probabilities `softmax(logits)`; the next symbol
  /// of a language model, for example.
  ///
  ///     let next = Tensor.randomCategories(logits: model(symbols) / temperature)
  ///
  /// The position of the greatest of `logits + gumbel` has just this distribution (Gumbel, "Statistical theory of
  /// extreme values", 1954), so that neither a softmax nor a running sum is needed and probabilities of any size keep
  /// their right. `-infinity` is never drawn, unless all of a row is; a row with NaN gives the position of a NaN.
  /// Logarithms of probabilities are logits, and so are `log(probabilities)` that do not add up to 1.
  ///
  /// The same state of the generator gives the same positions on every device, but for a position whose number is
  /// greatest by rounding alone. There is no gradient.
  ///
  /// - Parameters:
  ///   - logits: real numbers of any shape.
  ///   - axis: that of the categories; negative counts from the end.
  ///   - generator: where the numbers come from; two draws.
  /// - Returns: `int64`, the shape of the logits without the axis.
  /// - Precondition: there is at least one category.
  public static func randomCategories(
    logits: Tensor, along axis: Int = -1, generator: RandomGenerator = .shared
  ) -> Tensor {
    let axis = categoryAxis(logits, axis)
    return disturbed(logits, logits.shape, generator).argMax(along: axis)
  }

  /// Several positions along an axis for each row of logits, drawn with the probabilities `softmax(logits)`.
  ///
  ///     // Negative examples, by how often the words occur.
  ///     let words = Tensor.randomCategories(64, logits: log(counts))
  ///     // A committee of three out of ten.
  ///     let members = Tensor.randomCategories(3, logits: Tensor.zeros([10]), replacing: false)
  ///
  /// Without replacement each draw is among those that are left, in the order of the result: positions of the greatest
  /// of `logits + gumbel` in order (Kool et al., "Stochastic beams and where to find them", 2019). Positions of
  /// `-infinity` then come last, when all others are taken. See `randomCategories(logits:along:generator:)` for what
  /// else is said of logits.
  ///
  /// - Parameters:
  ///   - count: draws for each row.
  ///   - logits: real numbers of any shape.
  ///   - axis: that of the categories; negative counts from the end.
  ///   - replacing: whether a position may be drawn again.
  ///   - generator: where the numbers come from.
  /// - Returns: `int64`, the shape of the logits with `count` along the axis.
  /// - Precondition: `count` is not negative, and without replacement at most the number of categories.
  public static func randomCategories(
    _ count: Int, logits: Tensor, along axis: Int = -1, replacing: Bool = true, generator: RandomGenerator = .shared
  ) -> Tensor {
    let axis = categoryAxis(logits, axis)
    let categories = logits.shape[axis]
    require(
      count >= 0 && (replacing || count <= categories),
      "randomCategories: \(count) draws \(replacing ? "" : "without replacement ")of \(categories) categories")
    if !replacing { return disturbed(logits, logits.shape, generator).topK(count, along: axis).positions }
    // A number for each draw and category: in parts, lest many draws need as much memory at a time.
    let part = Swift.max(1, (1 << 22) / Swift.max(1, logits.count))
    let rows = logits.expanded(at: axis)
    let draws = stride(from: 0, to: Swift.max(1, count), by: part).map { start in
      var shape = rows.shape
      shape[axis] = Swift.min(part, count - start)
      return disturbed(rows, shape, generator).argMax(along: axis + 1)
    }
    return concatenated(draws, along: axis)
  }

  /// Logits, repeated up to a shape, with noise that makes the greatest a draw.
  private static func disturbed(_ logits: Tensor, _ shape: [Int], _ generator: RandomGenerator) -> Tensor {
    logits.detached().cast(to: .float32) + randomGumbel(shape, generator: generator, on: logits.device)
  }

  private static func categoryAxis(_ logits: Tensor, _ axis: Int) -> Int {
    requireFloatingPoint("randomCategories", logits)
    let axis = logits.resolvedAxis("randomCategories", axis)
    require(logits.shape[axis] > 0, "randomCategories: axis \(axis) of logits of shape \(logits.shape) has no category")
    return axis
  }
}
