// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// A number in the place of the elements where a mask is true.
  ///
  /// - Parameters:
  ///   - mask: `bool`; broadcasts to this tensor's shape.
  ///   - number: `-.infinity` before a softmax hides what is masked.
  /// - Returns: this tensor's shape. No gradient flows to what is replaced.
  /// - Precondition: the mask broadcasts to this tensor's shape; beside integers the number is a whole one.
  public func filled(where mask: Tensor, with number: Float) -> Tensor {
    require(
      mask.rank <= rank && broadcastShape("filled", mask.shape, shape) == shape,
      "filled: mask \(mask.shape) does not broadcast to \(shape)")
    return `where`(mask, number, self)
  }
}

/// One for each label, zeros elsewhere: `y[i..., k] = 1 if labels[i...] == k`.
///
/// - Parameters:
///   - labels: `int32` or `int64`, any shape. A label outside `0 ..< classes` gives zeros only.
///   - classes: how many there are, at least 1.
///   - dtype: that of the result; comparisons of the labels for `bool`.
/// - Returns: `labels.shape + [classes]`.
public func oneHot(_ labels: Tensor, classes: Int, dtype: DType = .float32) -> Tensor {
  require(
    labels.dtype == .int32 || labels.dtype == .int64, "oneHot: labels must be int32 or int64, got \(labels.dtype)")
  require(classes >= 1, "oneHot: needs at least 1 class, got \(classes)")
  let numbers = Tensor.range(0..<classes, on: labels.device).cast(to: labels.dtype)
  return (labels.expanded(at: -1) .== numbers).cast(to: dtype)
}
