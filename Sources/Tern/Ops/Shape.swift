// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// The same elements in row-major order under another shape. A view where the memory is dense, else a copy.
  ///
  /// - Parameter shape: one extent may be -1 and is computed.
  /// - Precondition: the element counts agree.
  public func reshaped(to shape: [Int]) -> Tensor {
    let target = resolvedShape(shape)
    if target == self.shape { return self }
    let dense = contiguous()
    let (old, new) = (self.shape, target)
    return Tensor(
      dense.materialized, shape: new, strides: contiguousStrides(new), offset: dense.offset
    ).recorded("reshaped", from: [dense], saving: .none) { gradient, _ in [gradient.reshaped(to: old)] }
  }

  /// Merges all axes from `axis` on into one.
  public func flattened(from axis: Int = 0) -> Tensor {
    let axis = resolvedAxis("flattened", axis)
    return reshaped(to: Array(shape[..<axis]) + [elementCount(Array(shape[axis...]))])
  }

  /// Exchanges the last two axes.
  ///
  /// - Precondition: the rank is at least 2.
  public func transposed() -> Tensor {
    require(rank >= 2, "transposed: needs at least 2 axes, got shape \(shape)")
    return swappedAxes(rank - 2, rank - 1)
  }

  /// Exchanges two axes; negative ones count from the end.
  public func swappedAxes(_ a: Int, _ b: Int) -> Tensor {
    var order = Array(shape.indices)
    order.swapAt(resolvedAxis("swappedAxes", a), resolvedAxis("swappedAxes", b))
    return transposed(order)
  }

  /// Reorders the axes: axis `i` of the result is axis `order[i]` of this tensor.
  ///
  /// - Precondition: `order` names every axis once.
  public func transposed(_ order: [Int]) -> Tensor {
    let order = order.map { resolvedAxis("transposed", $0) }
    require(
      order.sorted() == Array(shape.indices), "transposed: \(order) is no permutation of the axes of shape \(shape)")
    var inverse = order
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    return viewed(order.map { shape[$0] }, order.map { strides[$0] }, offset)
      .recorded("transposed", from: [self], saving: .none) { [inverse] gradient, _ in [gradient.transposed(inverse)] }
  }

  /// Inserts an axis of length 1 before `axis`; -1 appends one.
  public func expanded(at axis: Int) -> Tensor {
    require(axis >= -rank - 1 && axis <= rank, "expanded: axis \(axis) is out of range for shape \(shape)")
    var (shape, strides) = (shape, strides)
    let position = axis < 0 ? axis + rank + 1 : axis
    shape.insert(1, at: position)
    strides.insert(1, at: position)
    return viewed(shape, strides, offset)
      .recorded("expanded", from: [self], saving: .none) { gradient, _ in [gradient.squeezed(at: position)] }
  }

  /// Removes an axis of length 1.
  ///
  /// - Precondition: its length is 1.
  public func squeezed(at axis: Int) -> Tensor {
    let position = resolvedAxis("squeezed", axis)
    require(shape[position] == 1, "squeezed: axis \(axis) of shape \(shape) has length \(shape[position]), not 1")
    var (shape, strides) = (shape, strides)
    shape.remove(at: position)
    strides.remove(at: position)
    return viewed(shape, strides, offset)
      .recorded("squeezed", from: [self], saving: .none) { gradient, _ in [gradient.expanded(at: position)] }
  }

  /// Repeats axes of length 1, and new ones in front, without copying.
  ///
  /// - Precondition: the shapes broadcast to `target`.
  public func broadcast(to target: [Int]) -> Tensor {
    if target == shape { return self }
    require(
      rank <= target.count && broadcastShape("broadcast", shape, target) == target,
      "broadcast: shape \(shape) does not broadcast to \(target)")
    let old = shape
    let result: Tensor
    if case .constant(let scalar) = value.snapshot {
      result = Tensor(Value(device, dtype, target, .constant(scalar)))
    } else {
      result = viewed(target, broadcastStrides(shape, strides, to: target), offset)
    }
    return result.recorded("broadcast", from: [self], saving: .none) { gradient, _ in [gradient.summed(to: old)] }
  }

  // MARK: Helpers

  /// A view of this tensor's memory, without a node. A pending value is computed first.
  func viewed(_ shape: [Int], _ strides: [Int], _ offset: Int) -> Tensor {
    Tensor(materialized, shape: shape, strides: strides, offset: offset)
  }

  /// The value with its memory there: views other than the whole cannot wait.
  private var materialized: Value {
    _ = value.storage()
    return value
  }

  /// An axis counted from the front.
  func resolvedAxis(_ operation: String, _ axis: Int) -> Int {
    require(
      axis >= -rank && axis < rank,
      "\(operation): axis \(axis) is out of range for shape \(shape), expected \(-rank) ..< \(rank)")
    return axis < 0 ? axis + rank : axis
  }

  private func resolvedShape(_ target: [Int]) -> [Int] {
    var result = target
    if let inferred = target.firstIndex(of: -1) {
      let known = target.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
      require(
        target.filter { $0 == -1 }.count == 1 && known > 0 && count % known == 0,
        "reshaped: \(shape) with \(count) elements does not fit \(target)")
      result[inferred] = count / known
    }
    require(
      result.allSatisfy { $0 >= 0 } && elementCount(result) == count,
      "reshaped: \(shape) with \(count) elements does not fit \(target)")
    return result
  }
}
